"""Makes media files, and compares what came through with what went in."""

import dataclasses
import pathlib
import subprocess

FRAMES_A_GROUP = 30
FRAME_RATE = 30


def make(file: pathlib.Path, seconds: float) -> pathlib.Path:
    """H.264 with B-frames and a key frame each second, and AAC. No frame of either
    has the checksum of another."""
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={FRAME_RATE}",
         "-f", "lavfi", "-i", "anoisesrc=seed=1:sample_rate=48000:amplitude=0.3", "-t", str(seconds),
         "-c:v", "libx264", "-preset", "veryfast", "-g", str(FRAMES_A_GROUP), "-bf", "2", "-sc_threshold", "0",
         "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k", str(file)],
        stdin=subprocess.DEVNULL, check=True)
    return file


def remux(source: pathlib.Path, file: pathlib.Path, container: str) -> pathlib.Path:
    """The same frames in "fmp4", "ts", "flv" or "mkv"."""
    options = {"fmp4": ["-f", "mp4", "-movflags", "frag_keyframe+empty_moov"], "ts": ["-f", "mpegts"],
               "flv": ["-f", "flv"], "mkv": ["-f", "matroska"]}[container]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(source), "-c", "copy", *options, str(file)],
                   stdin=subprocess.DEVNULL, check=True)
    return file


@dataclasses.dataclass
class Track:
    """What a file holds of one kind: packets in the order of decoding, frames in that
    of presentation."""
    checksums: list[str]
    times: list[float]  # seconds

    def find(self, part: "Track") -> int:
        """Where the whole of `part` is in this one, without a gap."""
        if not part.checksums:
            raise AssertionError("nothing arrived")
        if part.checksums[0] not in self.checksums:
            raise AssertionError("the first frame is none of the source's")
        start = self.checksums.index(part.checksums[0])
        expected = self.checksums[start:start + len(part.checksums)]
        if expected != part.checksums:
            wrong = next((i for i, pair in enumerate(zip(expected, part.checksums)) if pair[0] != pair[1]),
                         len(expected))
            raise AssertionError(f"from frame {start} of {len(self.checksums)} on, {len(part.checksums)} arrived, "
                                 f"of which number {wrong} is not the source's")
        return start


def track(file: pathlib.Path, kind: str, packets: bool) -> Track:
    """kind "v" or "a": checksums of packets, or of what they decode to."""
    copy = ["-c", "copy"] if packets else []
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(file), "-map", f"0:{kind}", *copy, "-fps_mode", "passthrough",
         "-copyts", "-f", "framemd5", "-"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"{file.name} cannot be read: {done.stderr}")
    scale = 1.0
    rows = []
    for line in done.stdout.splitlines():
        if line.startswith("#tb 0:"):
            over, under = line.split(":")[1].split("/")
            scale = int(over) / int(under)
        if line.startswith("0,"):
            columns = [c.strip() for c in line.split(",")]
            rows.append((int(columns[2]) * scale, columns[5]))
    if not packets:
        rows.sort()
    return Track([row[1] for row in rows], [row[0] for row in rows])


@dataclasses.dataclass
class Part:
    """Which part of a source a file is: first frame and how many, of each kind."""
    video: tuple[int, int]
    audio: tuple[int, int]


def compare(source: pathlib.Path, received: pathlib.Path, cut: bool = False) -> Part:
    """Checks that `received` is a part of `source` without gaps, that begins with a
    group, and has sound and picture as far apart as they were. Pictures are compared
    as they are decoded, sound as packets; pictures of a file that was `cut` in the
    middle of a group as packets, too: some lack what they refer to."""
    found = {}
    shifts = {}
    for kind in "va":
        packets = cut or kind == "a"
        whole, part = track(source, kind, packets), track(received, kind, packets)
        start = whole.find(part)
        found[kind] = (start, len(part.checksums))
        shifts[kind] = [t - whole.times[start + i] for i, t in enumerate(part.times)]
    if found["v"][0] % FRAMES_A_GROUP:
        raise AssertionError(f"the first picture is number {found['v'][0]}, which begins no group")
    everything = shifts["v"] + shifts["a"]
    # A sample of the coarsest time base in between, microseconds, at each end.
    if max(everything) - min(everything) > 0.002:
        raise AssertionError(f"times moved by {min(everything)} to {max(everything)} s: "
                             f"video {shifts['v'][0]}..{shifts['v'][-1]}, audio {shifts['a'][0]}..{shifts['a'][-1]}")
    return Part(video=found["v"], audio=found["a"])
