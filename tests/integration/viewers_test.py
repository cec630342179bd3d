"""Viewers who come, go, and come in crowds get whole groups, from the newest on."""

import unittest

import case

SEEDS = (1, 2)


class Viewers(case.Case):
    def watch(self, scenario: str, *arguments: str, workers: int = 1) -> None:
        server = self.relay(workers=workers)
        for publisher, viewer in case.CROSSED:
            crowd = self.crowd(server.url(), scenario, "--publisher-version", publisher, "--viewer-version", viewer,
                               *arguments)
            self.assertEqual(crowd.wait(280), 0, crowd.output.all()[-10:])
        self.assertEqual(server.terminate(), 0, server.text())

    def test_one_two_and_three_come_and_go(self):
        for workers, seed in zip((1, 2), SEEDS):
            with self.subTest(workers=workers, seed=seed):
                self.watch("churn", "--viewers", "12", "--seed", str(seed), workers=workers)

    def test_two_hundred_at_once(self):
        self.watch("crowd", "--viewers", "200", "--groups", "3", workers=1)

    def test_two_hundred_at_once_on_two_workers(self):
        self.watch("crowd", "--viewers", "200", "--groups", "3", workers=2)


if __name__ == "__main__":
    unittest.main()
