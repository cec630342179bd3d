"""What is said when something is wrong: which file, line and key; which relay; and the
exit status that goes with it."""

import os
import pathlib
import signal
import socket
import subprocess
import unittest

import case
import certificates
import processes
import relay

WRONG_CONFIGURATION = 2


class RelayConfiguration(case.Case):
    def setUp(self) -> None:
        super().setUp()
        # Whoever opened a socket before all else is right would speak of the address.
        self.port = relay.free_port()
        self.taken = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.addCleanup(self.taken.close)
        self.taken.bind(("::", self.port))

    def run_relay(self, *arguments: str | os.PathLike, **environment: str) -> processes.Process:
        running = self.keep(processes.Process([os.environ["TEST_RELAY"], *arguments], environment=environment))
        running.wait()
        return running

    def file(self, text: str) -> pathlib.Path:
        path = self.folder / "relay.toml"
        path.write_text(text)
        return path

    def test_mistakes_in_the_file(self):
        good = relay.configuration(self.port)
        for wrong, said in {
            good.replace("workers", "worker"): r"relay\.toml:5: server\.worker: .*did you mean server\.workers\?",
            good.replace("[web.http]", "[web.htpt]"): r"relay\.toml:\d+: web\.htpt.*did you mean web\.http",
            good.replace("workers = 1", 'workers = "many"'): r"relay\.toml:5: server\.workers: found .*many",
            good.replace("[::]:", ""): r"relay\.toml:4: server\.bind: found .*expected an",
            good.replace('"debug"', '"loud"'): r'relay\.toml:2: log\.level: found "loud".*debug',
            good.replace("[server.tls]", "[server.tls"): r"relay\.toml:6: not valid TOML",
            good.replace('generate = ["localhost"]', 'cert = "no.pem"\nkey = "no.pem"'):
                r"relay\.toml:7: server\.tls\.cert: cannot read no\.pem: No such file",
            good.replace('public = ""', 'key = "no.jwk"'): r"relay\.toml:\d+: auth\.key: cannot read no\.jwk: No such",
            good.replace('public = ""', 'auth_api = "a"'): r"relay\.toml:\d+: auth\.auth_api: expected a URL",
            good.replace('public = ""', 'public = ""\n[server.unix.allow]\nuid = 1'):
                r"relay\.toml:\d+: server\.unix\.allow\.uid: not supported",
        }.items():
            with self.subTest(said=said):
                ended = self.run_relay(self.file(wrong))
                self.assertEqual(ended.wait(), WRONG_CONFIGURATION, ended.text())
                self.assertRegex(ended.text(), said)
                self.assertNotIn("in use", ended.text())

    def test_all_mistakes_are_said_at_once(self):
        text = relay.configuration(self.port).replace("workers", "worker").replace('"debug"', '"loud"')
        ended = self.run_relay(self.file(text))
        self.assertEqual(len(ended.errors.all()), 2, ended.text())

    def test_mistakes_elsewhere(self):
        good = self.file(relay.configuration(self.port))
        for arguments, environment, said in [
            (["nowhere.toml"], {}, "nowhere.toml: cannot read"),
            ([good, "--server-bnid", "[::]:1"], {}, "--server-bnid: .*did you mean --server-bind"),
            ([good], {"MOQ_SERVER_WORKERS": "many"}, "MOQ_SERVER_WORKERS: found .*many"),
            ([good, good], {}, "only one"),
        ]:
            with self.subTest(said=said):
                ended = self.run_relay(*arguments, **environment)
                self.assertEqual(ended.wait(), WRONG_CONFIGURATION, ended.text())
                self.assertRegex(ended.text(), said)

    def test_without_access_control_it_does_not_start(self):
        text = relay.configuration(self.port).replace('[auth]\npublic = ""', "")
        ended = self.run_relay(self.file(text))
        self.assertEqual(ended.wait(), WRONG_CONFIGURATION)
        self.assertIn("auth.public", ended.text())

    def test_a_port_that_is_taken(self):
        ended = self.run_relay(self.file(relay.configuration(self.port)))
        self.assertEqual(ended.wait(), 1, ended.text())
        self.assertRegex(ended.text(), rf"\[::\]:{self.port}.*(in use|another process)")

    def check(self, text: str) -> tuple[int, str]:
        """The exit status of --check, and all that it says."""
        ended = self.run_relay("--check", self.file(text))
        return ended.wait(), "\n".join(ended.output.all() + ended.errors.all())

    def test_check_shows_what_is_in_effect(self):
        # The port is somebody else's, which is none of its business.
        good = relay.configuration(self.port, tail='[cache]\nduration = "7s"')
        status, said = self.check(good)
        self.assertEqual(status, 0, said)
        assigned = lambda text: [line.split("  #")[0] for line in text.splitlines() if not line.startswith("#")]
        self.assertEqual(set(assigned(said)), {
            'log.level = "debug"', f'server.bind = "[::]:{self.port}"', "server.workers = 1",
            'server.tls.generate = "localhost"', f'web.http.listen = "[::]:{self.port}"', 'auth.public = ""',
            'cache.duration = "7s"'})
        self.assertRegex(said, r'cache\.duration = "7s" .*relay\.toml:\d+')
        self.assertIn("# limits.connections: 100000 (default)", said)
        # It is a file that says the same.
        again = self.check(said)
        self.assertEqual((again[0], assigned(again[1])), (0, assigned(said)))
        # A flag beats the file.
        ended = self.run_relay("--check", self.file(good), "--cache-duration", "9s")
        self.assertIn('cache.duration = "9s"  # --cache-duration', ended.output.all())

    def test_check_reads_certificates(self):
        certificates.make(self.folder)
        tls = f'cert = "{self.folder}/cert.pem"\nkey = "{self.folder}/key.pem"'
        self.assertEqual(self.check(relay.configuration(self.port, tls=tls))[0], 0)
        (self.folder / "cert.pem").write_text("nothing that certifies")
        status, said = self.check(relay.configuration(self.port, tls=tls))
        self.assertEqual(status, WRONG_CONFIGURATION, said)
        self.assertIn(f"{self.folder}/cert.pem", said)
        self.assertNotIn("nothing that certifies", said)

    def test_check_shows_no_secret(self):
        secret = 6 * "hunter2" + "xx"
        asking = relay.configuration(self.port, auth=f'auth_api = "https://auth.example/check?secret={secret}"')
        key = self.folder / "key.jwk"
        with_key = relay.configuration(self.port, auth=f'key = "{key}"')
        jwk = f'{{"kty":"oct","alg":"HS256","k":"{secret}"}}'
        for text, content, status in ((asking, "", 0), (with_key, jwk, 0), (with_key, jwk[:-1], WRONG_CONFIGURATION),
                                      (with_key, jwk.replace("HS256", "HS257"), WRONG_CONFIGURATION),
                                      (with_key, secret, WRONG_CONFIGURATION)):
            with self.subTest(content=content):
                key.write_text(content)
                found, said = self.check(text)
                self.assertEqual(found, status, said)
                self.assertNotIn("hunter2", said)
                self.assertIn("auth.example/check" if text is asking else str(key), said)

    def test_help_and_version(self):
        for argument in ("--help", "--version"):
            ended = self.run_relay(argument)
            self.assertEqual((ended.wait(), ended.errors.all()), (0, []))
            self.assertIn("moq-relay", "".join(ended.output.all()))


class Client(case.Case):
    def fails(self, program: processes.Process, said: str) -> None:
        self.assertEqual(program.wait(), 1, program.text())
        self.assertRegex(program.text(), said)

    def test_nobody_answers(self):
        # Taken, so that nothing else gets it, and silent.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            url = f"moqt://127.0.0.1:{silent.getsockname()[1]}"
            for verb in (["export", "fmp4"], ["announced"]):
                with self.subTest(verb=verb):
                    self.fails(self.moq(url, "--client-connect-timeout", "200ms", *verb),
                               f"cannot connect to {url}: .*no answer in time")

    def test_urls(self):
        for url, said in {"moqt://nowhere.invalid": "cannot resolve \"nowhere.invalid\"",
                          "ftp://localhost": "\"ftp\" is none of moqt",
                          "moqt://": "host"}.items():
            with self.subTest(url=url):
                self.fails(self.moq(url, "export", "fmp4"), said)

    def test_a_token_that_cannot_be_verified(self):
        url = self.relay().url("room", scheme="https") + "?jwt=secret"
        process = self.moq(url, "export", "fmp4")
        self.fails(process, "cannot connect to https://localhost:.*/room.*401")
        self.assertNotIn("secret", process.text())

    def test_no_fingerprint_to_be_had(self):
        self.fails(self.moq("http://127.0.0.1:1", "export", "fmp4", trust=False),
                   "http://127.0.0.1:1/certificate.sha256")

    def test_certificates(self):
        certificates.make(self.folder)
        server = self.relay(tls=f'cert = ["{self.folder}/cert.pem"]\nkey = ["{self.folder}/key.pem"]')
        other = self.folder / "other"
        other.mkdir()
        certificates.make(other)
        fingerprint = server.get("/certificate.sha256")[1]
        by_address = server.url().replace("localhost", "127.0.0.1")
        wrong = ("0" if fingerprint[0] != "0" else "1") + fingerprint[1:]
        for url, trust in [(server.url(), []), (server.url(), ["--client-tls-root", str(other / "cert.pem")]),
                           (by_address, ["--client-tls-root", f"{self.folder}/cert.pem"]),
                           (server.url(), ["--client-tls-fingerprint", wrong])]:
            with self.subTest(url=url, trust=trust):
                self.fails(self.moq(url, *trust, "export", "fmp4", trust=False),
                           f"cannot connect to {url}.*certificate")
        for url, trust in [(server.url(), ["--client-tls-root", f"{self.folder}/cert.pem"]),
                           (by_address, ["--client-tls-fingerprint", fingerprint])]:
            with self.subTest(url=url, trust=trust):
                trusting = self.moq(url, *trust, "--log-level", "info", "announced", trust=False)
                trusting.errors.expect("connected: ")
                trusting.send(signal.SIGINT)
                self.assertEndsWell(trusting)

    def test_no_version_in_common(self):
        server = self.relay(server='version = ["moq-lite-05"]')
        self.fails(self.moq(server.url(), "export", "fmp4", version="moq-lite-04"),
                   "cannot connect to .*(version|protocol|ALPN)")

    def test_input_that_is_not_media(self):
        server = self.relay()
        text = self.folder / "text.mp4"
        text.write_text("this is not media\n" * 100)
        for source in (str(self.folder / "missing.mp4"), str(text)):
            with self.subTest(source=source):
                self.fails(self.moq(server.url(), "import", source), f"cannot import {source}")
        for verb in ("fmp4", "ts", "flv", "mkv"):
            with self.subTest(verb=verb):
                self.fails(self.moq(server.url(), "import", verb, stdin=subprocess.DEVNULL), "cannot import")

    def test_arguments(self):
        for arguments, said in [(["export", "avi"], "fmp4"), (["export"], "format"), (["import"], "source"),
                                (["--client-version", "moq-lite-99", "export", "fmp4"], "moq-lite-99.*moq-lite-05"),
                                (["--client-tls-root", "nowhere.pem", "export", "fmp4"], "nowhere.pem")]:
            with self.subTest(arguments=arguments):
                self.fails(self.moq("moqt://localhost:1", *arguments, trust="--client-tls-root" not in arguments), said)
        self.fails(self.moq("moqt://localhost:1", "export", "fmp4", broadcast=""), "--broadcast")


if __name__ == "__main__":
    unittest.main()
