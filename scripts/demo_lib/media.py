"""The test video: makes it, takes it apart, compares what came through with it."""

import dataclasses
import difflib
import hashlib
import json
import os
import pathlib
import subprocess

from common import WORK, Problem, here, tail

SIZE = "1280x720"
RATE = 30
# A group is two seconds: a viewer that joins sees the first picture within that.
GROUP_SECONDS = 2
# Presentation times may move by the rounding of two time scales.
MAX_TIME_ERROR = 0.002
# Complaints of the decoder that are shown for each stream.
MAX_ERRORS = 4

CLOCK = ("drawtext=text='%{pts\\:hms}':fontsize=72:fontcolor=white:box=1:boxcolor=black@0.6:"
         "boxborderw=16:x=(w-tw)/2:y=h-th-60")


@dataclasses.dataclass
class Stream:
    """Checksums of decoded pictures or of packets, each with its presentation time in seconds."""
    name: str
    unit: str
    sums: list[str] = dataclasses.field(default_factory=list)
    times: list[float] = dataclasses.field(default_factory=list)
    errors: list[str] = dataclasses.field(default_factory=list)


def ffmpeg_command(seconds: int, output: pathlib.Path, clock: bool) -> list[str]:
    return ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-y",
            "-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate={RATE}",
            "-f", "lavfi", "-i", "sine=frequency=440:beep_factor=4:sample_rate=48000",
            *(["-vf", CLOCK] if clock else []),
            "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p",
            "-b:v", "2M", "-maxrate", "3M", "-bufsize", "2M",
            "-g", str(GROUP_SECONDS * RATE), "-keyint_min", str(GROUP_SECONDS * RATE), "-sc_threshold", "0",
            "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-t", str(seconds),
            "-movflags", "+faststart", "-f", "mp4", str(output)]


def test_video(seconds: int) -> pathlib.Path:
    """A video of that length with sound; made once for each length and recipe."""
    recipe = "\n".join(ffmpeg_command(seconds, pathlib.Path("-"), clock=True))
    video = WORK / f"test-{seconds}s-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}.mp4"
    if video.exists():
        return video
    unfinished = WORK / f"unfinished-{os.getpid()}.mp4"
    log = WORK / "test-video.log"
    # The clock needs a font, and an ffmpeg that can draw text: without them, none.
    for clock in (True, False):
        with log.open("wb") as output:
            made = subprocess.run(ffmpeg_command(seconds, unfinished, clock), stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=subprocess.STDOUT, check=False)
        if made.returncode == 0:
            unfinished.replace(video)
            return video
    unfinished.unlink(missing_ok=True)
    raise Problem("ffmpeg could not make the test video",
                  f"it needs libx264 and its own AAC encoder; all it said is in {here(log)}; its end:", *tail(log))


def read(command: list[str], stream: Stream) -> str:
    """What a tool prints; what it complains of becomes the stream's errors."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    stream.errors += done.stderr.splitlines()
    if done.returncode != 0 and not stream.errors:
        stream.errors.append(f"{command[0]} ended with status {done.returncode}")
    return done.stdout


def packets(file: pathlib.Path, stream: Stream, specifier: str) -> list[dict[str, str]]:
    text = read(["ffprobe", "-hide_banner", "-loglevel", "error", "-select_streams", specifier, "-show_packets",
                 "-show_data_hash", "MD5", "-show_entries", "packet=pts_time,data_hash", "-of", "json",
                 str(file)], stream)
    return (json.loads(text) if text else {}).get("packets", [])


def video_frames(file: pathlib.Path) -> Stream:
    """Every picture, decoded. Its time is the container's: ffmpeg rounds it to the frame rate."""
    stream = Stream("video", "frames")
    text = read(["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-i", str(file),
                 "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"], stream)
    stream.sums = [line.rsplit(",", 1)[1].strip() for line in text.splitlines() if not line.startswith("#")]
    stream.times = sorted(float(packet.get("pts_time", "nan")) for packet in packets(file, stream, "v:0"))
    return stream


def audio_packets(file: pathlib.Path) -> Stream:
    """Every packet of sound, as it is in the container."""
    stream = Stream("sound", "packets")
    for packet in packets(file, stream, "a:0"):
        stream.times.append(float(packet.get("pts_time", "nan")))
        stream.sums.append(packet["data_hash"])
    return stream


def span(name: str, first: int, count: int) -> str:
    return f"{name.removesuffix('s')} {first + 1}" if count == 1 else f"{name} {first + 1} to {first + count}"


def differences(source: Stream, received: Stream) -> list[str]:
    """What is wrong with the order and the content; empty if nothing is."""
    found = []
    if not source.sums:
        found.append(f"{source.name}: the source has no {source.unit}")
    matcher = difflib.SequenceMatcher(None, source.sums, received.sums, autojunk=False)
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        if kind == "equal":
            continue
        lost = span(source.unit, a1, a2 - a1) + f" of the source ({a2 - a1})" if a2 > a1 else ""
        if kind == "delete":
            place = "at the start, " if a1 == 0 else "at the end, " if a2 == len(source.sums) else ""
            found.append(f"{source.name}: missing {place}{lost}")
        elif kind == "insert":
            found.append(f"{source.name}: too many: {b2 - b1} more after {a1} {source.unit} of the source")
        else:
            found.append(f"{source.name}: changed: {lost}, {b2 - b1} received in their place")
    return found


def time_differences(sources: list[Stream], received: list[Stream]) -> list[str]:
    """Whether everything is presented at the source's time, counted from the first picture."""
    found = []
    for source, copy in zip(sources, received, strict=True):
        if len(source.times) != len(copy.times):
            found.append(f"{source.name}: {len(copy.times)} presentation times, not {len(source.times)}")
            continue
        wrong = [i for i, (a, b) in enumerate(zip(source.times, copy.times, strict=True))
                 if not abs((a - sources[0].times[0]) - (b - received[0].times[0])) <= MAX_TIME_ERROR]
        if wrong:
            first = wrong[0]
            moved = (copy.times[first] - received[0].times[0]) - (source.times[first] - sources[0].times[0])
            found.append(f"{source.name}: {len(wrong)} {source.unit} are presented at another time; "
                         f"the first is {span(source.unit, first, 1)}, by {moved * 1000:+.1f} ms")
    return found


def compare(source: pathlib.Path, received: pathlib.Path) -> tuple[list[str], list[str]]:
    """Figures, and what is wrong: nothing, if every frame came through."""
    if not received.exists() or received.stat().st_size == 0:
        return [], ["the viewer has received nothing"]
    sources = [video_frames(source), audio_packets(source)]
    copies = [video_frames(received), audio_packets(received)]
    figures, wrong = [], []
    for original, copy in zip(sources, copies, strict=True):
        matcher = difflib.SequenceMatcher(None, original.sums, copy.sums, autojunk=False)
        same = sum(block.size for block in matcher.get_matching_blocks())
        figures.append(f"{original.name}: {same} of {len(original.sums)} {original.unit} received as they were sent")
        wrong += differences(original, copy)
        wrong += [f"{original.name} of the source: {error}" for error in original.errors[:MAX_ERRORS]]
        wrong += [f"{copy.name} as received: {error}" for error in copy.errors[:MAX_ERRORS]]
    if not wrong:
        wrong = time_differences(sources, copies)
    return figures, wrong
