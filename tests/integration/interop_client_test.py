"""moq-interop-client against the relay, and the relay as the public interop runner starts it."""

import dataclasses
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import unittest

import case
import certificates
import processes
import relay

PACKAGING = pathlib.Path(__file__).resolve().parents[2] / "packaging/interop"
# The runner's, whose names and order are its contract; and ours.
RUNNERS = ["setup-only", "announce-only", "publish-namespace-done", "subscribe-error", "announce-subscribe",
           "subscribe-before-announce"]
OURS = ["object-data", "joining-fetch"]
DRAINING = ["goaway-redirect", "drain"]
UNSUPPORTED = 127
INTERRUPTED = 130
# Sanitized programs on a busy machine are slow.
PATIENT = "20"


@dataclasses.dataclass
class Point:
    """One test point, and the diagnostics that follow it."""
    ok: bool
    name: str
    skip: str
    yaml: dict[str, str]


def parse(text: str) -> tuple[list[str], int | None, list[Point], str | None]:
    """The comments, the plan, the points in their order, and what a bail-out says."""
    lines = text.splitlines()
    assert lines[0] == "TAP version 14", text
    comments, plan, points, bail = [], None, [], None
    inside = False
    for line in lines[1:]:
        if inside:
            assert line.startswith("  "), f"{line!r} in YAML: {text}"
            if line == "  ...":
                inside = False
            else:
                key, value = line.strip().split(": ", 1)
                points[-1].yaml[key] = json.loads(value) if value.startswith('"') else value
        elif line == "  ---":
            inside = True
        elif line.startswith("# "):
            comments.append(line[2:])
        elif match := re.fullmatch(r"1\.\.(\d+)", line):
            plan = int(match[1])
        elif line.startswith("Bail out!"):
            bail = line.removeprefix("Bail out!").strip()
        else:
            match = re.fullmatch(r"(not )?ok (\d+) - ([a-z-]+)(?: # SKIP (.*))?", line)
            assert match, f"{line!r} is no TAP: {text}"
            points.append(Point(match[1] is None, match[3], match[4] or "", {}))
            assert int(match[2]) == len(points), text
    assert not inside, text
    return comments, plan, points, bail


class InteropCase(case.Case):
    def client(self, *arguments: str, factor: str = PATIENT, **environment: str) -> processes.Process:
        return self.keep(processes.Process([os.environ["TEST_INTEROP"], "--time-factor", factor, *arguments],
                                           environment=environment))

    def results(self, program: processes.Process, status: int = 0) -> list[Point]:
        self.assertEqual(program.wait(300), status, program.text())
        self.text = "\n".join(program.output.all())
        self.comments, self.plan, points, self.bail = parse(self.text)
        return points

    def passed(self, points: list[Point], names: list[str]) -> None:
        self.assertEqual([(point.name, point.ok, point.skip) for point in points],
                         [(name, True, "") for name in names], self.text)
        self.assertEqual(self.plan, len(names))
        self.assertIsNone(self.bail)
        for point in points:
            self.assertRegex(point.yaml["duration_ms"], r"^\d+$")

    def changed(self, old: str, new: str) -> relay.Relay:
        """A relay with `new` in place of `old` in its configuration."""
        folder = self.folder / f"changed{len(self.programs)}"
        folder.mkdir()
        port = relay.free_port()
        text = relay.configuration(port)
        self.assertIn(old, text)
        running = self.keep(relay.Relay(os.environ["TEST_RELAY"], folder, port, text.replace(old, new)))
        running.ready()
        return running

    def operated(self) -> tuple[relay.Relay, str]:
        """A relay, and where its operator drains it."""
        port = relay.free_port()
        return self.relay(head=f"internal.listen = {port}"), f"http://127.0.0.1:{port}/drain"


class Results(InteropCase):
    def test_every_case_passes_on_both_schemes_and_with_both_drafts(self):
        server, other = self.operated(), self.relay()
        for scheme in ("moqt", "https"):
            for draft in ("18", "14"):
                with self.subTest(scheme=scheme, draft=draft):
                    uri = other.url("elsewhere", scheme=scheme)
                    program = self.client(
                        "-r", server[0].url(scheme=scheme), "--tls-disable-verify",
                        "--client-version", f"moq-transport-{draft}",
                        "--drain-command", f"curl -sSf -X POST {shlex.quote(f'{server[1]}?uri={uri}')}",
                        "--undrain-command", f"curl -sSf -X DELETE {server[1]}")
                    points = self.results(program)
                    self.passed(points, RUNNERS + OURS + DRAINING)
                    self.assertIn(f"Draft: draft-{draft}", self.comments)
                    self.assertEqual({point.yaml["version"] for point in points}, {f"moq-transport-{draft}"})

    def test_without_a_word_the_relay_chooses_the_draft(self):
        for offered, spoken in ((["moq-transport-18", "moq-transport-14"], "18"), (["moq-transport-14"], "14")):
            server = self.relay(server=f"version = {json.dumps(offered)}")
            for scheme in ("moqt", "https"):
                with self.subTest(offered=offered, scheme=scheme):
                    self.passed(self.results(self.client(
                        "-r", server.url(scheme=scheme), "--tls-disable-verify", "-t", "setup-only")), ["setup-only"])
                    self.assertIn(f"Draft: draft-{spoken}", self.comments)

    def test_the_environment_says_it_all_and_flags_beat_it(self):
        server = self.relay()
        environment = {"RELAY_URL": server.url(scheme="https"), "TESTCASE": "announce-only",
                       "TLS_DISABLE_VERIFY": "1", "VERBOSE": "1", "MOQT_DRAFT": "draft-14"}
        program = self.client(**environment)
        self.passed(self.results(program), ["announce-only"])
        self.assertIn("Draft: draft-14", self.comments)
        program.errors.expect(r"publisher: sent PUBLISH_NAMESPACE")
        environment["RELAY_URL"] = "https://localhost:1/"
        self.passed(self.results(self.client("-r", server.url(), "-t", "setup-only", **environment)), ["setup-only"])

    def test_without_a_command_what_drains_is_skipped(self):
        points = self.results(self.client("-r", self.relay().url(), "--tls-disable-verify"))
        self.assertEqual([(point.name, point.ok) for point in points],
                         [(name, True) for name in RUNNERS + OURS + DRAINING])
        self.assertEqual([bool(point.skip) for point in points], [False] * 8 + [True] * 2)
        self.assertIn("--drain-command", points[-1].skip)

    def test_a_relay_that_stays_drained_is_drained_once(self):
        (server, drain), other = self.operated(), self.relay()
        uri = other.url()
        points = self.results(self.client("-r", server.url(), "--tls-disable-verify", "--drain-command",
                                          f"curl -sSf -X POST {shlex.quote(f'{drain}?uri={uri}')}"))
        self.assertEqual([point.ok for point in points], [True] * 10)
        self.assertEqual(points[-2].skip, "")
        self.assertIn("drained by goaway-redirect", points[-1].skip)


class Failures(InteropCase):
    def one(self, url: str, test: str, *arguments: str, factor: str = PATIENT) -> Point:
        """The only point, of a case that fails."""
        points = self.results(
            self.client("-r", url, "--tls-disable-verify", "-t", test, *arguments, factor=factor), 1)
        self.assertEqual([(point.name, point.ok) for point in points], [(test, False)], self.text)
        return points[0]

    def test_a_relay_that_takes_no_namespace(self):
        server = self.changed('public = ""', 'public = { subscribe = [""] }')
        for draft in ("14", "18"):
            with self.subTest(draft=draft):
                point = self.one(server.url(), "announce-only", "--draft", f"draft-{draft}")
                self.assertRegex(point.yaml["expected"], "REQUEST_OK to the publisher's PUBLISH_NAMESPACE")
                self.assertRegex(point.yaml["received"], "^REQUEST_ERROR")
                self.assertIsNone(self.bail)

    def test_others_are_run_all_the_same(self):
        server = self.changed('public = ""', 'public = { subscribe = [""] }')
        points = self.results(self.client("-r", server.url(), "--tls-disable-verify"), 1)
        self.assertEqual([point.ok for point in points],
                         [True, False, False, True, False, False, False, False, True, True], self.text)

    def test_a_drain_that_fails_or_does_not_come(self):
        server = self.relay()
        point = self.one(server.url(), "drain", "--drain-command", "exit 3")
        self.assertEqual(point.yaml["received"], "it ended with 3")
        point = self.one(server.url(), "drain", "--drain-command", "true", factor="0.2")
        self.assertEqual((point.yaml["expected"], point.yaml["received"]),
                         ("GOAWAY to the publisher and the subscriber", "nothing"))

    def test_a_relay_that_closes_what_it_drains_at_once(self):
        server, drain = self.operated()
        point = self.one(server.url(), "drain", "--drain-command", f"curl -sSf -X POST '{drain}?timeout=0s'")
        self.assertRegex(point.yaml["received"], "session has ended: .*GOAWAY_TIMEOUT")

    def test_a_goaway_that_leads_nowhere_else_says_nothing(self):
        server, drain = self.operated()
        points = self.results(self.client("-r", server.url(), "--tls-disable-verify", "-t", "goaway-redirect",
                                          "--drain-command", f"curl -sSf -X POST {drain}"))
        self.assertEqual([point.ok for point in points], [True])
        self.assertIn("names no other URI", points[0].skip)

    def test_nobody_is_there(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            url = f"moqt://127.0.0.1:{silent.getsockname()[1]}"
            points = self.results(self.client("-r", url, factor="0.1"), 1)
        self.assertEqual([(point.name, point.ok) for point in points], [("setup-only", False)])
        self.assertEqual((points[0].yaml["expected"], points[0].yaml["received"]), ("SETUP", "nothing"))
        self.assertIn(url, self.bail)

    def test_nothing_in_common(self):
        server = self.relay(server='version = ["moq-lite-05"]')
        points = self.results(self.client("-r", server.url(), "--tls-disable-verify"), 1)
        self.assertEqual([point.ok for point in points], [False])
        self.assertRegex(points[0].yaml["received"], "no connection")
        self.assertIsNotNone(self.bail)

    def test_a_certificate_that_nobody_trusts(self):
        points = self.results(self.client("-r", self.relay().url()), 1)
        self.assertRegex(points[0].yaml["received"], "certificate")
        self.assertIsNotNone(self.bail)


class Arguments(InteropCase):
    def test_list(self):
        program = self.client("--list")
        self.assertEndsWell(program)
        self.assertEqual(program.output.all(), RUNNERS + OURS + DRAINING)

    def test_what_there_is_not(self):
        for arguments in (["-t", "no-such-case"], ["--draft", "draft-1"], ["--draft", "18"]):
            with self.subTest(arguments=arguments):
                program = self.client("-r", "moqt://localhost:1", *arguments)
                self.assertEqual(program.wait(), UNSUPPORTED, program.text())
                self.assertEqual(program.output.all(), [])
                self.assertIn(arguments[1], program.text())
        self.assertEqual(self.client(TESTCASE="no-such-case").wait(), UNSUPPORTED)

    def test_mistakes(self):
        for arguments, said in [(["-r", "ftp://localhost"], "moqt"), (["-r", "moqt://"], "host"),
                                (["--client-version", "moq-lite-05"], "moq-transport-18"),
                                (["--tls-root", "nowhere.pem"], "nowhere.pem")]:
            with self.subTest(arguments=arguments):
                program = self.client(*arguments)
                self.assertEqual(program.wait(), 1, program.text())
                self.assertIn("Bail out!", "\n".join(program.output.all()))
                self.assertIn(said, program.text())

    def test_help_teaches(self):
        program = self.client("--help")
        self.assertEndsWell(program)
        text = "\n".join(program.output.all())
        for word in (*RUNNERS, *OURS, *DRAINING, "RELAY_URL", "TESTCASE", "TLS_DISABLE_VERIFY", "VERBOSE",
                     "MOQT_DRAFT", "Examples:", "Exit status"):
            self.assertIn(word, text)

    def test_ctrl_c(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            silent.settimeout(processes.SECONDS)
            program = self.client("-r", f"moqt://127.0.0.1:{silent.getsockname()[1]}")
            silent.recv(65536)
            program.send(signal.SIGINT)
            points = self.results(program, INTERRUPTED)
        self.assertEqual(points[0].yaml["received"], "interrupted")
        self.assertEqual(self.bail, "interrupted")


class Image(InteropCase):
    """packaging/interop, as the runner uses it."""

    def start(self, **environment: str) -> processes.Process:
        # The script finds the program by its name alone.
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        if not (programs / "moq-relay").exists():
            (programs / "moq-relay").symlink_to(os.environ["TEST_RELAY"])
        return self.keep(processes.Process(
            [str(PACKAGING / "relay.sh")],
            environment={"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", **environment}))

    def certificates(self) -> dict[str, str]:
        certificates.make(self.folder)
        return {"MOQT_CERT": str(self.folder / "cert.pem"), "MOQT_KEY": str(self.folder / "key.pem")}

    def run_client(self, url: str, **environment: str) -> None:
        points = self.results(self.client(RELAY_URL=url, TLS_DISABLE_VERIFY="1", **environment))
        self.assertEqual([(point.name, point.ok) for point in points],
                         [(name, True) for name in RUNNERS + OURS + DRAINING], self.text)

    def test_the_relay_serves_both_schemes_on_one_port_at_any_path(self):
        port = str(relay.free_port())
        server = self.start(MOQT_ROLE="relay", MOQT_PORT=port, **self.certificates())
        server.errors.expect(rf"UDP.*{port}|{port}.*UDP|:{port}")
        for url in (f"moqt://localhost:{port}", f"https://localhost:{port}", f"https://localhost:{port}/any/path"):
            with self.subTest(url=url):
                self.run_client(url)
        server.send(signal.SIGTERM)
        self.assertEndsWell(server)

    def test_each_registered_draft_is_spoken_and_no_other(self):
        entries = json.loads((PACKAGING / "implementations.json").read_text())
        files = self.certificates()
        for name, entry in entries.items():
            scheme = entry["roles"]["relay"]["docker"]["url"].split(":")[0]
            for draft in entry["draft_versions"]:
                with self.subTest(name=name, draft=draft):
                    port = str(relay.free_port())
                    server = self.start(MOQT_ROLE="relay", MOQT_PORT=port, MOQT_DRAFT=draft, **files)
                    server.errors.expect(f":{port}")
                    self.run_client(f"{scheme}://localhost:{port}")
                    self.assertIn(f"Draft: {draft}", self.comments)
                    server.send(signal.SIGTERM)
                    self.assertEndsWell(server)

    def test_what_it_is_not(self):
        for environment in ({"MOQT_ROLE": "client"}, {"MOQT_ROLE": "publisher"}, {"MOQT_DRAFT": "draft-01"}):
            with self.subTest(environment=environment):
                program = self.start(**environment)
                self.assertEqual(program.wait(), UNSUPPORTED, program.text())
                self.assertIn(next(iter(environment.values())), program.text())

    def test_without_certificates_it_says_where_it_looked(self):
        program = self.start(MOQT_CERT=str(self.folder / "none.pem"), MOQT_KEY=str(self.folder / "none.key"))
        self.assertEqual(program.wait(), 2, program.text())
        self.assertIn("none.pem", program.text())


if __name__ == "__main__":
    unittest.main()
