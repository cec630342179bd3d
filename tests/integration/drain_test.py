"""A drain as an operator sees and steers it: by HTTP, by signals, by what systemd hears."""

import collections
import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import time
import unittest

import case
import gate
import processes
import relay

# Far below the idle timeout and every timer of the relay's: what takes longer was
# waited for in vain.
AT_ONCE = 20
# A spread in which nobody's turn comes while a test runs.
LONG = "10days"


class Operated(case.Case):
    def operated(self, *head: str, **options) -> relay.Relay:
        """A relay with a listener for its operator; `head`: lines of its configuration."""
        self.operator = relay.free_port()
        return self.relay(head="\n".join([f"internal.listen = {self.operator}", *head]), **options)

    def ask(self, method: str, path: str = "/drain", body: str | None = None, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.operator, timeout=processes.SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def state(self) -> dict:
        status, text = self.ask("GET")
        self.assertEqual(status, 200)
        return json.loads(text)

    def until(self, **wanted) -> dict:
        """The state once it has what is wanted."""
        end = time.monotonic() + processes.SECONDS
        while time.monotonic() < end:
            state = self.state()
            if all(state[key] == value for key, value in wanted.items()):
                return state
        self.fail(f"waited for {wanted}; there is {state}")

    def drain(self, query: str = "", body: str | None = None) -> dict:
        status, text = self.ask("POST", "/drain" + query, body)
        self.assertEqual(status, 202, text)
        return json.loads(text)

    def guests(self, server: relay.Relay, count: int = 1, version: str = "moq-lite-05", scheme: str = "moqt",
               publish: bool = False, leave: bool = False) -> processes.Process:
        """Sessions that stay until their standard input ends, and that the relay knows."""
        before = self.state()["sessions"]
        program = self.keep(processes.Process(
            [os.environ["TEST_GUESTS"], "--url", server.url(scheme=scheme), "--count", str(count), "--version",
             version, *(["--publish"] if publish else []), *(["--leave"] if leave else [])], stdin=subprocess.PIPE))
        program.output.expect("^ready", count=count)
        self.until(sessions=before + count)
        return program

    def publisher(self, server: relay.Relay) -> processes.Process:
        """One that has announced a broadcast, and the relay knows."""
        program = self.guests(server, publish=True)
        before = self.state()["sessions"]
        witness = self.moq(server.url(), "announced")
        witness.output.expect("guest/0")
        witness.kill()
        self.until(sessions=before)
        return program

    def told(self, program: processes.Process) -> list[str]:
        """The URIs of the GOAWAYs that came, of all sessions."""
        return [line.split(" ", 2)[2] for line in program.output.all() if line.startswith("goaway")]

    def leave(self, program: processes.Process) -> None:
        program.stdin.close()
        self.assertEndsWell(program)


class Arriving(Operated):
    def test_a_handshake_under_way_at_the_signal_ends_well_and_is_told(self):
        for scheme, workers in (("moqt", 1), ("https", 2)):
            with self.subTest(scheme=scheme, workers=workers):
                server = self.operated(workers=workers)
                between = gate.Gate(server.port)
                self.addCleanup(between.close)
                guest = self.keep(processes.Process(
                    [os.environ["TEST_GUESTS"], "--url", f"{scheme}://localhost:{between.port}/"],
                    stdin=subprocess.PIPE))
                self.assertTrue(between.answered.wait(processes.SECONDS))
                server.send(signal.SIGTERM)
                state = self.until(phase="draining", handshakes=1)
                self.assertEqual(state["sessions"], 0)
                between.open()
                guest.output.expect("^goaway 0 $")
                state = self.until(handshakes=0)
                self.assertEqual((state["sessions"], state["told"]), (1, 1))
                self.leave(guest)
                self.assertEqual(server.wait(AT_ONCE), 0, server.text())

    def test_a_drain_that_is_called_off_waits_for_no_handshake(self):
        server = self.operated()
        between = gate.Gate(server.port)
        self.addCleanup(between.close)
        guest = self.keep(processes.Process(
            [os.environ["TEST_GUESTS"], "--url", f"moqt://localhost:{between.port}/"], stdin=subprocess.PIPE))
        self.assertTrue(between.answered.wait(processes.SECONDS))
        self.drain()
        self.until(handshakes=1)
        self.assertEqual(self.ask("DELETE")[0], 200)
        self.until(phase="running", handshakes=0)
        between.open()
        guest.output.expect("^ready")
        self.leave(guest)


class Watched(Operated):
    def test_sessions_are_counted_by_version_and_transport(self):
        server = self.operated()
        self.guests(server, 2)
        self.guests(server, 1, version="moq-lite-05", scheme="https")
        self.guests(server, 1, version="moq-lite-02")
        # The version of the last is known once SETUP has chosen it.
        end = time.monotonic() + processes.SECONDS
        while any(kind["version"] == "none" for kind in self.state()["left"]) and time.monotonic() < end:
            pass
        state = self.state()
        self.assertEqual(
            {(kind["version"], kind["transport"]): (kind["sessions"], kind["told"]) for kind in state["left"]},
            {("moq-lite-02", "quic"): (1, 0), ("moq-lite-05", "quic"): (2, 0), ("moq-lite-05", "webtransport"): (1, 0)})
        self.assertEqual((state["phase"], state["ending"], state["age"], state["untold"]), ("running", False, None, 4))
        text = self.ask("GET", "/metrics")[1]
        self.assertIn('moq_relay_sessions{version="moq-lite-05",transport="webtransport"} 1\n', text)
        self.assertIn('moq_relay_drain_phase{phase="running"} 1\n', text)

    def test_metrics_and_state_of_a_drain(self):
        server = self.operated()
        stays, leaves = self.guests(server), self.guests(server, 2)
        old = self.guests(server, version="moq-lite-03")
        self.drain()
        self.until(told=4)
        self.leave(leaves)
        state = self.until(sessions=2)
        self.assertEqual(state["ended"], {"left": 2, "deadline": 0, "lost": 0, "closed": 0})
        self.assertGreater(state["age"], 0)
        self.leave(stays)
        self.leave(old)
        state = self.until(phase="empty")
        self.assertGreater(state["last_drain"], 0)
        text = self.ask("GET", "/metrics")[1]
        self.assertIn('moq_relay_drained_sessions_total{version="moq-lite-05",outcome="left"} 3\n', text)
        self.assertIn('moq_relay_drained_sessions_total{version="moq-lite-03",outcome="left"} 1\n', text)
        self.assertIn("moq_relay_goaways_total 3\n", text)
        self.assertRegex(text, r"moq_relay_drain_seconds \d")
        self.assertIn('moq_relay_drain_phase{phase="empty"} 1\n', text)

    def test_the_log_has_a_line_a_second_and_a_summary(self):
        server = self.operated()
        guests = self.guests(server, 2)
        server.send(signal.SIGTERM)
        server.errors.expect("draining for 1 s: 2 sessions remain, 2 told; gone: 0 left, 0 deadline, 0 lost, 0 closed$")
        server.errors.expect("draining for 2 s: 2 sessions remain")
        self.leave(guests)
        self.assertEqual(server.wait(AT_ONCE), 0)
        server.errors.expect(r"drained in \d+\.\d+ s: 2 left, 0 deadline, 0 lost, 0 closed$")

    def test_a_terminal_has_a_line_that_changes(self):
        self.operator = relay.free_port()
        port = relay.free_port()
        file = self.folder / "relay.toml"
        file.write_text(relay.configuration(port, head=f"internal.listen = {self.operator}"))
        server = self.keep(processes.Process([os.environ["TEST_RELAY"], file], terminal=True))
        server.errors.expect("listening for operators")
        server.url = lambda scheme: f"{scheme}://localhost:{port}/"
        guests = self.guests(server)
        server.send(signal.SIGTERM)
        # Its line begins anew each time, and is no line of the log.
        server.errors.expect("^\x1b\\[Kdraining for 1 s: 1 session remains, 1 told")
        server.errors.expect("^\x1b\\[Kdraining for 2 s: ")
        self.leave(guests)
        self.assertEqual(server.wait(AT_ONCE), 0)
        server.errors.expect("drained in ")

    def test_web_pages_and_mistakes_are_refused(self):
        server = self.operated()
        for method in ("GET", "POST", "DELETE"):
            self.assertEqual(self.ask(method, Origin="http://page.example")[0], 403)
        for query, body, said in [("?timeout=5", None, "timeout: found \"5\""), ("?uri=relay2", None, "uri: found"),
                                  ("", '{"spraed": "5s"}', "spraed: there is only"), ("", "now", "no JSON object"),
                                  ("?timeout=5s&spread=5s", None, "spread: expected less")]:
            status, text = self.ask("POST", "/drain" + query, body)
            self.assertEqual(status, 400)
            self.assertIn(said, text)
        self.assertEqual(self.ask("PUT")[0], 405)
        self.assertEqual(self.state()["phase"], "running")
        # And nothing of it is for everyone.
        self.assertEqual(server.get("/drain")[0], 404)
        self.assertEqual(server.get("/metrics")[0], 404)

    def test_it_is_off_unless_asked_for_and_warns_of_other_machines(self):
        self.assertNotIn("listening for operators", self.relay().text())
        server = self.relay(head='internal.listen = "0.0.0.0:0"')
        server.errors.expect("internal.listen: 0.0.0.0:0 is not this machine's alone")


class Steered(Operated):
    def test_a_request_empties_the_relay_and_it_goes_on(self):
        for workers in (1, 2):
            with self.subTest(workers=workers):
                server = self.operated(workers=workers)
                guests = self.guests(server, 3)
                state = self.drain(body=json.dumps({"uri": "https://b.example/x", "timeout": "1h"}))
                self.assertEqual((state["phase"], state["ending"]), ("draining", False))
                self.assertGreater(state["time_left"], 3500)
                guests.output.expect("^goaway", count=3)
                self.assertEqual(self.told(guests), ["https://b.example/x"] * 3)
                self.assertEqual([server.get("/ready")[0], self.ask("GET", "/ready")[0]], [503, 503])
                self.assertEqual([server.get("/health")[0], self.ask("GET", "/health")[0]], [200, 200])
                late = self.moq(server.url(), "announced")
                self.assertEqual(late.wait(AT_ONCE), 1)
                status, text = self.ask("POST")
                self.assertEqual(status, 409)
                self.assertIn("drained already", text)
                self.leave(guests)
                self.until(phase="empty", sessions=0, age=None)
                server.notifications.lines.expect("^STATUS=drained$")
                self.assertEqual(self.ask("POST")[0], 409)
                self.assertTrue(server.running())
                self.assertNotIn("STOPPING=1", server.notifications.lines.all())
                server.send(signal.SIGTERM)
                self.assertEqual(server.wait(AT_ONCE), 0, server.text())
                server.notifications.lines.expect("^STOPPING=1$")

    def test_the_next_signal_is_the_first_and_adopts_the_drain(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.operated('drain_timeout = "1ms"')
            guests = self.guests(server, 2)
            self.drain("?timeout=none")
            guests.output.expect("^goaway", count=2)
            server.send(number)
            server.notifications.lines.expect("^STOPPING=1$")
            state = self.until(ending=True)
            # The deadline of the drain stays what it was, and nobody is told again.
            self.assertEqual((state["phase"], state["time_left"], state["sessions"]), ("draining", None, 2))
            self.assertEqual(self.ask("DELETE")[0], 409)
            self.assertEqual(self.ask("POST")[0], 409)
            self.leave(guests)
            self.assertEqual(len(self.told(guests)), 2)
            self.assertEqual(server.wait(AT_ONCE), 0, server.text())

    def test_the_second_signal_ends_an_adopted_drain_at_once(self):
        server = self.operated()
        guests = self.guests(server, 2)
        self.drain()
        server.send(signal.SIGTERM)
        self.until(ending=True)
        server.send(signal.SIGTERM)
        self.assertEqual(server.wait(AT_ONCE), 143)
        guests.output.expect("^closed .*the relay has ended", count=2)
        server.errors.expect(r"the drain is cut off after .*2 sessions remain")

    def test_a_drain_that_was_called_off_tells_nobody_more_and_takes_new_sessions(self):
        server = self.operated()
        publisher, viewers = self.publisher(server), self.guests(server, 3)
        self.drain(f"?spread={LONG}&timeout={LONG.replace('10', '20')}")
        # Publishers are told first, and the others when their turn comes.
        publisher.output.expect("^goaway")
        self.assertEqual((self.state()["told"], self.state()["untold"]), (1, 3))
        status, text = self.ask("DELETE")
        self.assertEqual((status, json.loads(text)["phase"]), (200, "running"))
        server.notifications.lines.expect("^STATUS=serving on UDP ", count=2)
        self.assertEqual(server.get("/ready")[0], 200)
        more = self.guests(server)
        # Of those that were told, the relay lets stay who wants to.
        self.assertEqual(self.until(sessions=5)["told"], 1)
        self.assertEqual(self.told(viewers) + self.told(more), [])
        # A later drain tells the others, and nobody twice.
        self.drain("?spread=0s&uri=https://c.example")
        viewers.output.expect("^goaway", count=3)
        more.output.expect("^goaway")
        self.until(told=5)
        for program in (publisher, viewers, more):
            self.leave(program)
        self.assertEqual([len(self.told(p)) for p in (publisher, viewers, more)], [1, 3, 1])
        self.until(phase="empty")
        # An empty relay can be filled again.
        self.assertEqual(self.ask("DELETE")[0], 200)
        self.leave(self.guests(server))

    def test_who_was_told_before_has_the_deadline_of_the_later_drain(self):
        server = self.operated()
        guests = self.guests(server, 2)
        self.drain("?timeout=1h")
        guests.output.expect("^goaway", count=2)
        self.assertEqual(self.ask("DELETE")[0], 200)
        self.drain("?timeout=100ms")
        guests.output.expect("^closed .*GOAWAY_TIMEOUT", count=2)
        self.assertEqual(len(self.told(guests)), 2)
        state = self.until(phase="empty")
        self.assertEqual(state["ended"]["deadline"], 2)

    def test_a_deadline_that_was_called_off_closes_nobody(self):
        # Another relay's log tells how time passes.
        clock = self.operated()
        self.guests(clock)
        server = self.operated()
        guests = self.guests(server)
        self.drain("?timeout=1s")
        guests.output.expect("^goaway")
        self.assertEqual(self.ask("DELETE")[0], 200)
        clock.send(signal.SIGTERM)
        clock.errors.expect("draining for 2 s")
        self.assertEqual(self.state()["sessions"], 1)
        self.assertFalse([line for line in guests.output.all() if line.startswith("closed")])

    def test_versions_without_goaway_stay_until_the_deadline(self):
        for version in ("moq-lite-02", "moq-lite-03"):
            with self.subTest(version=version):
                server = self.operated()
                guests = self.guests(server, 2, version=version)
                self.drain("?timeout=100ms")
                guests.output.expect("^closed .*GOAWAY_TIMEOUT", count=2)
                self.assertEqual(self.told(guests), [])
                self.assertEqual(self.until(phase="empty")["ended"]["deadline"], 2)

    def goaway_drains_peer(self, version: str) -> None:
        """Over WebTransport: the relay drains, the idle peer leaves, and both sides see the close."""
        server = self.operated()
        guest = self.guests(server, version=version, scheme="https", leave=True)
        self.drain()
        guest.output.expect("^goaway")
        guest.output.expect("^closed")
        self.assertEqual(self.until(phase="empty")["ended"], {"left": 1, "deadline": 0, "lost": 0, "closed": 0})

    def test_goaway_drains_peer_moq_transport_14(self):
        self.goaway_drains_peer("moq-transport-14")

    def test_goaway_drains_peer_moq_transport_18(self):
        self.goaway_drains_peer("moq-transport-18")

    def test_no_time_at_all_closes_without_goaway(self):
        server = self.operated()
        guests = self.guests(server, 2)
        self.drain("?timeout=0s")
        guests.output.expect("^closed .*GOAWAY_TIMEOUT", count=2)
        self.assertEqual(self.told(guests), [])
        self.until(phase="empty")
        self.assertTrue(server.running())

    def test_one_that_is_lost_is_counted_as_such(self):
        server = self.operated()
        guests = self.guests(server, 2)
        self.drain()
        guests.output.expect("^goaway", count=2)
        guests.kill()
        self.assertEqual(self.until(phase="empty")["ended"], {"left": 0, "deadline": 0, "lost": 2, "closed": 0})


class Configured(Operated):
    def test_uris_take_turns_over_the_sessions_of_all_workers(self):
        uris = [f"https://{name}.example/" for name in "abc"]
        server = self.operated(f"drain_uri = {json.dumps(uris)}", workers=2)
        programs = [self.guests(server, 1) for _ in range(9)]
        server.send(signal.SIGTERM)
        told = []
        for program in programs:
            program.output.expect("^goaway")
            told += self.told(program)
            self.leave(program)
        self.assertEqual(collections.Counter(told), {uri: 3 for uri in uris})
        self.assertEqual(server.wait(AT_ONCE), 0, server.text())

    def test_a_signal_tells_publishers_first_and_the_others_over_the_spread(self):
        server = self.operated(f'drain_spread = "{LONG}"')
        publisher, viewers = self.publisher(server), self.guests(server, 3)
        server.send(signal.SIGTERM)
        publisher.output.expect("^goaway")
        self.assertEqual((self.until(told=1)["untold"], self.told(viewers)), (3, []))
        self.leave(publisher)
        self.leave(viewers)
        self.assertEqual(server.wait(AT_ONCE), 0, server.text())

    def test_a_spread_tells_everybody_in_its_time(self):
        server = self.operated('drain_spread = "500ms"')
        viewers = self.guests(server, 20)
        server.send(signal.SIGTERM)
        viewers.output.expect("^goaway", count=20)
        self.leave(viewers)
        self.assertEqual(server.wait(AT_ONCE), 0, server.text())

    def test_after_the_timeout_what_is_left_is_closed(self):
        for version in ("moq-lite-03", "moq-lite-05", *case.TRANSPORT):
            server = self.operated('drain_timeout = "100ms"')
            guests = self.guests(server, 2, version=version)
            server.send(signal.SIGTERM)
            guests.output.expect("^closed .*GOAWAY_TIMEOUT", count=2)
            self.assertEqual(server.wait(AT_ONCE), 0, server.text())
            server.errors.expect("drained in .* s: 0 left, 2 deadline, 0 lost, 0 closed$")


class Notified(Operated):
    def test_systemd_hears_each_step(self):
        server = self.operated()
        stays, leaves = self.guests(server, 1), self.guests(server, 2)
        server.send(signal.SIGTERM)
        server.notifications.lines.expect("^STATUS=draining: 3 sessions left$")
        self.leave(leaves)
        server.notifications.lines.expect("^EXTEND_TIMEOUT_USEC=")
        # It stands still, and asks for no more time.
        server.notifications.lines.expect("^STATUS=draining: 1 session left$", count=3)
        self.leave(stays)
        self.assertEqual(server.wait(AT_ONCE), 0, server.text())
        server.notifications.lines.expect("^STATUS=drained$")
        said = [re.sub(r"UDP .*", "UDP", line) for line in server.notifications.lines.all()]
        distinct = [line for i, line in enumerate(said) if i == 0 or line != said[i - 1]]
        self.assertEqual(distinct, [
            "READY=1", "STATUS=serving on UDP", "STOPPING=1", "STATUS=draining: 3 sessions left",
            "STATUS=draining: 1 session left", "EXTEND_TIMEOUT_USEC=30000000", "STATUS=draining: 1 session left",
            "STATUS=drained"])

    def test_a_signal_to_the_process_group_is_one_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                file, socket = self.folder / f"relay{number}.toml", self.folder / f"notify{number}"
                file.write_text(relay.configuration(relay.free_port()))
                notifications = relay.Notifications(socket)
                self.addCleanup(notifications.close)
                # A group of its own, as a shell or a service manager makes one.
                server = self.keep(processes.Process(["setsid", os.environ["TEST_RELAY"], file],
                                                     environment={"NOTIFY_SOCKET": str(socket)}))
                notifications.lines.expect("^READY=1$")
                self.assertEqual(os.getpgid(server.pid()), server.pid())
                os.killpg(server.pid(), number)
                self.assertEqual(server.wait(AT_ONCE), 0, server.text())
                notifications.lines.expect("^STOPPING=1$")


if __name__ == "__main__":
    unittest.main()
