"""scripts/demo: live video from a publisher through the relay to viewers, one of them a web page."""

import argparse
import contextlib
import os
import pathlib
import shutil
import sys
import time

import build
import media
import pipeline
import webpage
from common import BROADCAST, MOQ, ROOT, WORK, Interrupted, LiveLine, Problem, Signals, here, say
from figures import Figures

DEFAULT_CHECK_SECONDS = 8
MAX_CHECK_SECONDS = 600
DEMO_SECONDS = 8
# What --check allows beyond the length of the file.
CHECK_SLACK_SECONDS = 30
REDRAW_SECONDS = 0.1

EPILOG = """\
Everything it makes is under build/ (and web/node_modules): the programs in
build/release, the page in build/web, and in build/demo the test video, what the
check saw of the page (player.png) and, while it runs or when it failed, logs in
run-PROCESS.

Exit status: 0 when all was well (Ctrl-C is the normal end), 1 when something
went wrong, 2 for a wrong command line, 130 when interrupted before it ran or
during --check.
"""


def check_seconds(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MAX_CHECK_SECONDS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 1 to {MAX_CHECK_SECONDS}")
    return int(text)


def port_number(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port from 1 to 65535")
    return int(text)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/demo", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EPILOG,
        description="Builds moq-cpp, then sends live video from a publisher through the relay to a viewer,\n"
                    "all on this machine, and shows what flows until Ctrl-C. A web page, whose link is\n"
                    "printed, plays the video and publishes a camera or a screen.")
    parser.add_argument("--check", metavar="SECONDS", type=check_seconds, nargs="?", const=DEFAULT_CHECK_SECONDS,
                        help="send a video of that length once, and compare every frame that was received "
                             "with the source; then see in a headless Chromium that the web page plays "
                             f"[default: {DEFAULT_CHECK_SECONDS}]")
    parser.add_argument("--port", type=port_number,
                        help=f"UDP and TCP port of the relay [default: {pipeline.FIRST_PORT}, or the next free one]")
    parser.add_argument("--web-port", type=port_number,
                        help=f"TCP port of the web page [default: {webpage.FIRST_PORT}, or the next free one]")
    parser.add_argument("--keep", action="store_true",
                        help="keep the logs, the reports and what --check received")
    parser.add_argument("--no-setup", action="store_true", help="do not look for missing packages")
    return parser.parse_args()


def remove_old_runs() -> None:
    """Logs of failed runs are kept until the next run."""
    for folder in WORK.glob("run-*"):
        process = folder.name.removeprefix("run-")
        if not (folder / "keep").exists() and not pathlib.Path("/proc", process).exists():
            shutil.rmtree(folder, ignore_errors=True)


def explain(pipes: pipeline.Pipeline, page: str | None) -> None:
    if page is not None:
        say(f"\nWatch it, and publish your camera, in Chromium or Chrome:\n\n  {page}")
    say(f"""
Live video flows through a relay on {pipes.url}, under the name "{BROADCAST}".
To take part, in another terminal:

  export MOQ_CLIENT_CONNECT={pipes.web_url}
  cd {ROOT}

  # watch it
  {MOQ.relative_to(ROOT)} --broadcast {BROADCAST} export fmp4 | ffplay -

  # publish a file of yours, and watch that
  {MOQ.relative_to(ROOT)} --broadcast mine import --realtime FILE
  {MOQ.relative_to(ROOT)} --broadcast mine export fmp4 | ffplay -

  # see what there is
  {MOQ.relative_to(ROOT)} announced

Ctrl-C ends it.
""")


def show_until(pipes: pipeline.Pipeline, figures: Figures, done: object, limit: float = float("inf")) -> None:
    """Shows the figures until `done()`; raises when a process ends that should not, or after `limit` seconds."""
    line = LiveLine()
    start = time.monotonic()
    try:
        while not done():
            now = time.monotonic()
            if figures.poll():
                line.show(now, figures.line(now - start))
            pipes.check_alive()
            if now - start > limit:
                raise Problem(f"after {limit:.0f} s not everything has come through",
                              f"see the logs in {here(pipes.folder)}")
            time.sleep(REDRAW_SECONDS)
        figures.poll()
    finally:
        line.end()


def run_demo(pipes: pipeline.Pipeline, video: pathlib.Path, page: str | None) -> None:
    """Until Ctrl-C, which is how it should end."""
    pipes.start_relay()
    pipes.start_viewer()
    pipes.start_endless_publisher(video)
    explain(pipes, page)
    figures = Figures(pipes.folder)
    start = time.monotonic()
    try:
        show_until(pipes, figures, lambda: False)
    except Interrupted:
        say("demo: ending")
        seconds = time.monotonic() - start
        wrong = pipes.close()
        figures.poll()
        say("\n".join("  " + line for line in figures.summary(seconds)))
        if wrong:
            raise Problem("not everything ended as it should", *wrong) from None


def run_check(pipes: pipeline.Pipeline, video: pathlib.Path, seconds: int, page: str) -> None:
    """One pass of a file, of which every frame is compared; then endless passes,
    which the web page has to play."""
    received = pipes.folder / "received.mp4"
    pipes.start_relay()
    with received.open("wb") as output:
        viewer = pipes.start_viewer(output)
    say(f"demo: sending {seconds} s of video through the relay on {pipes.url}")
    publisher = pipes.start_publisher(video)
    viewer.expected = publisher.expected = True
    figures = Figures(pipes.folder)
    show_until(pipes, figures, lambda: viewer.status() == 0 and publisher.status() == 0,
               seconds + CHECK_SLACK_SECONDS)
    say("demo: playing it in the web page")
    pipes.start_endless_publisher(video)
    webpage.check(page)
    wrong = pipes.close()
    say("demo: comparing what was received with the source")
    compared, differences = media.compare(video, received)
    say("\n".join("  " + line for line in compared))
    if figures.latencies:
        say(f"  latency: {sorted(figures.latencies)[len(figures.latencies) // 2] * 1000:.0f} ms; "
            f"groups lost: {figures.viewer.value('lost_groups')}")
    wrong = differences + wrong
    if wrong:
        raise Problem("the check failed", *wrong, f"logs and received.mp4 are in {here(pipes.folder)}; "
                      f"the source is {here(video)}")
    say("demo: every frame came through, and the web page plays")


def finish_folder(folder: pathlib.Path, keep: bool) -> None:
    if keep:
        say(f"demo: logs and reports are in {here(folder)}")
    else:
        shutil.rmtree(folder, ignore_errors=True)


def run(args: argparse.Namespace, signals: Signals) -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    remove_old_runs()
    build.up_to_date(setup=not args.no_setup)
    no_page = (args.check is not None and webpage.cannot_check()) or webpage.build()
    if no_page and args.check is not None:
        raise Problem("there is no web page to check", *no_page.splitlines())
    if no_page:
        say("demo: goes on without its web page: " + "\n  ".join(no_page.splitlines()))
    video = media.test_video(args.check or DEMO_SECONDS)
    folder = WORK / f"run-{os.getpid()}"
    folder.mkdir()
    if args.keep:
        (folder / "keep").touch()
    pipes = pipeline.Pipeline(signals, folder, pipeline.choose_port(args.port))
    try:
        with contextlib.ExitStack() as stack:
            page = None
            if no_page is None:
                page = stack.enter_context(webpage.serve(pipes.web_url, args.web_port)).url
            if args.check is None:
                run_demo(pipes, video, page)
            else:
                run_check(pipes, video, args.check, page)
    except Interrupted:
        pipes.close()
        finish_folder(folder, args.keep)
        raise
    finally:
        # Nothing to do unless something went wrong: then the folder stays.
        pipes.close()
    finish_folder(folder, args.keep)


def main() -> int:
    args = arguments()
    signals = Signals()
    try:
        run(args, signals)
    except Interrupted:
        say("\ndemo: interrupted")
        return 130
    except Problem as problem:
        print("\n".join([f"demo: {problem.what}", *(f"  {line}" for line in problem.remedy)]), file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our output is gone; so is what we have to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
