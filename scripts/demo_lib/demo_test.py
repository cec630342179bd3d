#!/usr/bin/env python3
"""The demo's check must be able to fail: each thing that can go wrong, on made-up streams."""

import json
import pathlib
import tempfile
import unittest

import figures
import media
import webpage


def stream(sums: str, step: float = 0.1, start: float = 0.0) -> media.Stream:
    """Each letter is a frame."""
    return media.Stream("video", "frames", list(sums), [start + i * step for i in range(len(sums))])


class Differences(unittest.TestCase):
    def check(self, received: str, *expected: str) -> None:
        self.assertEqual(media.differences(stream("abcdefgh"), stream(received)), list(expected))

    def test_the_same_has_none(self) -> None:
        self.check("abcdefgh")

    def test_missing_at_the_start(self) -> None:
        self.check("cdefgh", "video: missing at the start, frames 1 to 2 of the source (2)")

    def test_missing_at_the_end(self) -> None:
        self.check("abcdefg", "video: missing at the end, frame 8 of the source (1)")

    def test_missing_in_the_middle(self) -> None:
        self.check("abcfgh", "video: missing frames 4 to 5 of the source (2)")

    def test_all_missing(self) -> None:
        self.check("", "video: missing at the start, frames 1 to 8 of the source (8)")

    def test_changed(self) -> None:
        self.check("abcXefgh", "video: changed: frame 4 of the source (1), 1 received in their place")

    def test_twice(self) -> None:
        self.check("abccdefgh", "video: too many: 1 more after 2 frames of the source")

    def test_in_another_order(self) -> None:
        self.assertEqual(len(media.differences(stream("abcdefgh"), stream("abdcefgh"))), 2)

    def test_a_source_without_frames_proves_nothing(self) -> None:
        self.assertEqual(media.differences(stream(""), stream("")), ["video: the source has no frames"])


class Times(unittest.TestCase):
    def wrong(self, *received: media.Stream) -> list[str]:
        return media.time_differences([stream("abc"), stream("abcd", 0.02, -0.02)], list(received))

    def test_counted_from_the_first_picture(self) -> None:
        self.assertEqual(self.wrong(stream("abc", start=5.02), stream("abcd", 0.02, 5.0)), [])

    def test_rounding_is_forgiven(self) -> None:
        self.assertEqual(self.wrong(stream("abc"), stream("abcd", 0.0204, -0.02)), [])

    def test_sound_that_is_late(self) -> None:
        wrong = self.wrong(stream("abc"), stream("abcd", 0.02, 0.02))
        self.assertEqual(wrong, ["video: 4 frames are presented at another time; the first is frame 1, by +40.0 ms"])

    def test_no_time_is_wrong(self) -> None:
        self.assertEqual(len(self.wrong(stream("abc"), stream("abcd", float("nan")))), 1)

    def test_another_number_of_times(self) -> None:
        self.assertEqual(len(self.wrong(stream("ab"), stream("abcd", 0.02, -0.02))), 1)


class Sights(unittest.TestCase):
    """What the player in the web page shows."""

    def wrong(self, **seen: float) -> list[str]:
        plays = {"pictures": 50, "black": 0, "frames": 60, "packets": 70, "loudest": 0.3, "width": 2, "height": 2}
        return webpage.probe.Seen(**(plays | {"done": not seen} | seen)).wrong()

    def test_what_plays(self) -> None:
        self.assertEqual(self.wrong(), [])

    def test_what_does_not(self) -> None:
        for word, seen in {"video": {"frames": 0}, "black": {"pictures": 0, "black": 50}, "change": {"pictures": 1},
                           "sound": {"packets": 0}, "silence": {"loudest": 0.0}, "too little": {"pictures": 5}}.items():
            with self.subTest(word):
                wrong = self.wrong(**seen)
                self.assertEqual(len(wrong), 1)
                self.assertIn(word, wrong[0])


class Reports(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.figures = figures.Figures(self.folder)

    def write(self, name: str, text: str) -> None:
        with (self.folder / f"{name}.jsonl").open("a") as file:
            file.write(text)

    def line(self, time: float, frames: int, pts: float) -> str:
        return json.dumps({"time": time, "frames": frames, "bytes": frames * 1000, "groups": 1,
                           "lost_groups": 0, "pts": pts}) + "\n"

    def test_latency_is_between_the_same_frame_on_both_sides(self) -> None:
        self.write("publisher", self.line(100.0, 30, 1.0) + self.line(101.0, 60, 2.0))
        self.write("viewer", self.line(100.5, 40, 1.3) + self.line(101.5, 70, 2.3))
        self.assertTrue(self.figures.poll())
        self.assertAlmostEqual(self.figures.latencies[-1], 0.2)
        self.assertIn("latency 200 ms", self.figures.line(2.0))

    def test_a_line_is_read_once_it_is_whole(self) -> None:
        whole = self.line(100.0, 30, 1.0)
        self.write("viewer", whole[:20])
        self.assertFalse(self.figures.poll())
        self.write("viewer", whole[20:])
        self.assertTrue(self.figures.poll())
        self.assertFalse(self.figures.poll())

    def test_rate_is_of_the_last_second(self) -> None:
        self.write("viewer", self.line(100.0, 30, 1.0) + self.line(102.0, 90, 3.0))
        self.figures.poll()
        self.assertAlmostEqual(self.figures.viewer.rate("frames"), 30.0)

    def test_rate_of_the_first_second(self) -> None:
        self.write("viewer", self.line(100.0, 30, 1.0))
        self.figures.poll()
        self.assertAlmostEqual(self.figures.viewer.rate("frames"), 30.0)

    def test_silence_is_told(self) -> None:
        self.write("publisher", self.line(100.0, 30, 1.0))
        self.write("viewer", self.line(100.0, 30, 1.0) + self.line(106.0, 30, 1.0))
        self.figures.poll()
        self.assertIn("nothing new for 6 s", self.figures.line(6.0))

    def test_nothing_yet(self) -> None:
        self.assertFalse(self.figures.poll())
        self.assertIn("waiting for the publisher", self.figures.line(0.0))


if __name__ == "__main__":
    unittest.main()
