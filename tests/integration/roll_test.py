"""Relays are rolled under live video, and nobody who publishes or watches notices."""

import os
import unittest

import case
import rolling

FULL = os.environ.get("MOQ_FULL") == "1"
# Two of the viewers' groups, which are a second long, between the end of one roll and the next.
GROUPS_BETWEEN = 2
DRAFTS = ("--viewer-version", "moq-transport-14", "--viewer-version", "moq-transport-18")
MIXED = ("--viewer-version", "moq-lite-05", "--viewer-version", "moq-lite-04")
PERFECT = {"lost": 0, "incomplete": 0, "duplicated": 0, "out_of_order": 0, "wrong_frames": 0, "faults": 0,
           "sessions_lost": 0, "good": True}


class Roll(case.Case):
    def roll(self, rolls: int, viewers: int, *arguments: str, network: rolling.Network | None = None,
             schemes: tuple[str, ...] = ("moqt",), workers: int = 1) -> None:
        programs = rolling.Programs(os.environ["TEST_RELAY"], os.environ["TEST_CROWD"], os.environ["TEST_PROXY"])
        with rolling.Stage(programs, self.folder, network, schemes, workers) as stage:
            try:
                stage.play("--viewers", str(viewers), *arguments)
                rolled = []
                for _ in range(rolls):
                    stage.groups(GROUPS_BETWEEN)
                    rolled.append(stage.roll())
                    self.assertEqual(rolled[-1].status, 0, "how the relay ended")
                stage.groups(1)
                summary = stage.finish()
                said = stage.end()
            finally:
                # Those of a case that fails are shown.
                for program in stage.programs_running():
                    self.keep(program)
        self.assertEqual({key: summary[key] for key in PERFECT}, PERFECT)
        self.assertEqual(summary["viewers"], viewers)
        self.assertEqual(summary["received"], summary["expected"])
        # From when everybody watched to when the last roll was over, all saw every group.
        self.assertGreaterEqual(summary["received"], viewers * (rolls * GROUPS_BETWEEN + 1))
        for line in said:
            self.assertRegex(line, "up: .* 0 overflowed; down: .* 0 overflowed")
        self.moved(rolling.events(stage.timeline), rolled, viewers)

    def moved(self, happened: list[dict], rolled: list[rolling.Rolled], viewers: int) -> None:
        """Everybody heard of each roll, and went."""
        for each in rolled:
            for event, key in (("goaway", "relay"), ("handed over", "from")):
                who = {one["who"] for one in happened if one["event"] == event and one[key] == each.relay and
                       each.signal <= one["t"] <= each.exit + 1}
                self.assertEqual(len(who), viewers + 1, f"{event} of the relay at {each.place}")


class Short(Roll):
    """What a sanitized build does in seconds."""

    def test_both_versions_and_carriers(self):
        self.roll(2, 12, *MIXED, schemes=("moqt", "https"), workers=2)

    def test_a_publisher_of_moq_transport_14(self):
        self.roll(2, 8, *DRAFTS, "--publisher-version", "moq-transport-14", schemes=("moqt", "https"), workers=2)

    def test_a_publisher_of_moq_transport_18(self):
        self.roll(2, 8, *DRAFTS, "--publisher-version", "moq-transport-18", schemes=("https", "moqt"), workers=2)

    def test_a_publisher_of_version_04_on_a_bad_network(self):
        self.roll(2, 8, *MIXED, "--publisher-version", "moq-lite-04",
                  network=rolling.Network(loss=0.01, rtt=0.04), schemes=("https", "moqt"))


@unittest.skipUnless(FULL, "long: scripts/test --full")
class Long(Roll):
    """Five rolls. 100 viewers, sanitized and on two cores, take their time for a hundred
    handshakes at once (some seconds a roll), and get through all the same."""

    def test_a_hundred_viewers(self):
        self.roll(5, 100)

    def test_a_hundred_viewers_of_both_versions_on_both_carriers(self):
        self.roll(5, 100, *MIXED, schemes=("moqt", "https"), workers=2)

    def test_a_hundred_viewers_of_moq_transport_14(self):
        self.roll(5, 100, *DRAFTS, "--publisher-version", "moq-transport-14", schemes=("moqt", "https"), workers=2)

    def test_a_hundred_viewers_of_moq_transport_18(self):
        self.roll(5, 100, *DRAFTS, "--publisher-version", "moq-transport-18", schemes=("https", "moqt"), workers=2)

    def test_a_bad_network(self):
        self.roll(5, 100, network=rolling.Network(loss=0.01, rtt=0.04))

    def test_a_bad_network_with_both_versions_on_both_carriers(self):
        self.roll(5, 50, *MIXED, "--publisher-version", "moq-lite-04",
                  network=rolling.Network(loss=0.01, rtt=0.04, jitter=0.005, seed=7), schemes=("https", "moqt"))


if __name__ == "__main__":
    unittest.main()
