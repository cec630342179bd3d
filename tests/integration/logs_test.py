"""What a relay tells of its connections: each line of its log by the connection's id, as text and as JSON, and
qlog files."""

import json
import os
import re
import subprocess
import unittest

import case
import processes

LEVELS = ("trace", "debug", "info", "warn", "error")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
RECORD = "\x1e"
CONNECTED = r': connected("\})?$'


class Guests(case.Case):
    def guest(self, url: str, *arguments: str) -> processes.Process:
        return self.keep(processes.Process([os.environ["TEST_GUESTS"], "--url", url, *arguments],
                                           stdin=subprocess.PIPE))


class Logs(Guests):
    def come_and_go(self, server) -> None:
        """A client on each carrier, and one that is refused on each; then the relay ends."""
        for scheme, sessions in (("moqt", 1), ("https", 3)):
            guest = self.guest(server.url("open", scheme), "--publish")
            guest.output.expect("^ready 0$")
            # It may think so before the relay does.
            server.errors.expect(CONNECTED, count=sessions)
            guest.stdin.close()
            self.assertEndsWell(guest)
            guest = self.guest(server.url("secret", scheme))
            guest.output.expect("^closed 0 ")
            guest.stdin.close()
            self.assertEndsWell(guest)
        self.assertEqual(server.terminate(), 0, server.text())

    def test_each_line_is_json(self):
        server = self.relay(log='format = "json"', auth='public = "open"', workers=2)
        self.come_and_go(server)
        lines = [json.loads(line) for line in server.errors.all()]
        for line in lines:
            self.assertRegex(line["time"], f"^{TIME}$")
            self.assertIn(line["level"], LEVELS)
            self.assertIsInstance(line["message"], str)
            self.assertLessEqual(set(line), {"time", "level", "conn", "message"})
        connected = [line["conn"] for line in lines if line["message"].endswith(": connected")]
        # The one that is refused on WebTransport comes to no session.
        self.assertEqual(len(connected), 3)
        self.assertEqual(len(set(connected)), 3)
        for conn in connected:
            told = [line["message"] for line in lines if line.get("conn") == conn]
            self.assertTrue(any(": left: " in message or ": closed: " in message for message in told), told)
            self.assertTrue(any(message.startswith("quic: ") for message in told), told)
        refused = [line for line in lines if "a request for WebTransport was refused" in line["message"]]
        self.assertEqual(len(refused), 1)
        self.assertNotIn(refused[0]["conn"], connected)
        self.assertRegex(refused[0]["message"], r"^(\[::1\]|127\.0\.0\.1):\d+: ")

    def test_each_line_about_a_connection_names_it(self):
        server = self.relay(auth='public = "open"')
        self.come_and_go(server)
        about = [line for line in server.errors.all() if re.search(r"(\[::1\]|127\.0\.0\.1):\d+", line)
                 and "listening" not in line]
        self.assertGreater(len(about), 6)
        for line in about:
            self.assertRegex(line, r" conn=[1-9]\d* ")


class Qlog(Guests):
    def test_a_session_is_traced(self):
        folder = self.folder / "qlog"
        folder.mkdir()
        server = self.relay(quic=f'qlog = "{folder}"')
        for sessions, scheme in enumerate(("moqt", "https"), 1):
            guest = self.guest(server.url("", scheme))
            server.sessions(sessions)
            guest.stdin.close()
            self.assertEndsWell(guest)
        self.assertEqual(server.terminate(), 0, server.text())
        ids = {match.group(1) for line in server.errors.all() if (match := re.search(r"conn=(\d+) .*: connected$", line))}
        files = list(folder.iterdir())
        self.assertEqual({file.name.split("-")[2] for file in files}, ids)
        for file in files:
            self.assertRegex(file.name, r"^moq-\d{8}T\d{6}\.\d{6}Z-\d+-[0-9a-f]{16,40}\.sqlog$")
            text = file.read_text()
            self.assertTrue(text.startswith(RECORD))
            head, *events = [json.loads(record) for record in text[1:].split(RECORD)]
            self.assertEqual(head["qlog_format"], "JSON-SEQ")
            names = {event["name"].split(":")[1] for event in events}
            self.assertLessEqual({"packet_sent", "packet_received"}, names)


if __name__ == "__main__":
    unittest.main()
