"""Who has a token or a certificate, and who has not: both carriers, keys that change, services that are asked, and
the time that ends a session."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import time
import unittest

import case
import certificates
import media
import pages
import processes
from relay import free_port

SCHEMES = ("moqt", "https")
# A second, and what a loaded machine takes.
LATE = 20
# Seconds for both to connect, with time to spare.
VALID = 15
REFUSED = r"UNAUTHORIZED|\b401:"
FAILED = r"INTERNAL_ERROR|INTERNAL|\b50[23]\b"


class Guarded(case.Case):
    """What the cases need."""

    def token(self, *arguments: str | os.PathLike) -> str:
        """What moq-token writes."""
        done = subprocess.run([os.environ["TEST_TOKEN"], *map(str, arguments)], capture_output=True, text=True,
                              timeout=processes.SECONDS, check=True)
        return done.stdout.strip()

    def key(self, name: str, *arguments: str) -> tuple[pathlib.Path, pathlib.Path]:
        """A key, and the half that only verifies."""
        private, public = self.folder / f"{name}.private", self.folder / f"{name}.jwk"
        self.token("generate", "--algorithm", "ES256", "--id", name, "--out", private, "--public", public, *arguments)
        return private, public

    def sign(self, key: pathlib.Path, *arguments: str) -> str:
        return self.token("sign", "--key", key, *arguments)

    def guarded(self, line: str, **options):
        """A relay with `line` in [auth]."""
        return self.relay(auth=line, **options)

    def watch(self, url: str, *arguments: str) -> tuple[processes.Process, pathlib.Path]:
        received = self.folder / f"received{len(self.programs)}.mp4"
        return self.moq(url, *arguments, "export", "fmp4", stdout=received), received

    def assertRefused(self, program: processes.Process, why: str = REFUSED) -> None:
        self.assertNotEqual(program.wait(), 0, program.text())
        self.assertRegex(program.text(), why)

    def once(self, url: str, *arguments: str) -> processes.Process:
        """A viewer that tries once."""
        return self.moq(url, "--no-reconnect", *arguments, "export", "fmp4")

    def assertNoneIn(self, server, *tokens: str) -> None:
        """Nothing of them is in what the relay has said, at any level."""
        said = "\n".join(server.errors.all())
        for token in tokens:
            for part in token.split("."):
                self.assertNotIn(part, said)


class Tokens(Guarded):
    def test_each_does_what_its_token_grants(self):
        private, public = self.key("root")
        source = media.make(self.folder / "source.mp4", 3)
        server = self.guarded(f'key = "{public}"')
        for number, scheme in enumerate(SCHEMES):
            with self.subTest(scheme=scheme):
                publish = self.sign(private, "--root", "demo", "--publish", "live")
                watch = self.sign(private, "--root", "demo", "--subscribe", "")
                # One at the token's root, the other above it.
                viewer = self.moq(server.url(f"?jwt={watch}", scheme), "export", "fmp4",
                                  broadcast="demo/live", stdout=self.folder / scheme)
                server.sessions(1 + 2 * number)
                publisher = self.moq(server.url(f"demo?jwt={publish}", scheme), "import", "--realtime", str(source))
                self.assertEndsWell(publisher)
                self.assertEndsWell(viewer)
                self.assertEqual(media.compare(source, self.folder / scheme).video, (0, 3 * media.FRAME_RATE))
                self.assertNoneIn(server, publish, watch)

    def test_without_a_good_one_nobody_comes_in(self):
        private, public = self.key("root")
        stranger, _ = self.key("stranger")
        server = self.guarded(f'key = "{public}"')
        good = ("--root", "demo", "--subscribe", "")
        expired = self.sign(private, *good, "--expires", str(int(time.time()) - 1))
        tokens = [self.sign(stranger, *good), self.sign(private, *good)]
        for scheme in SCHEMES:
            for path in ("demo", f"demo?jwt={tokens[0]}", f"demo?jwt={expired}", "demo?jwt=x.y.z",
                         f"other?jwt={tokens[1]}", f"demo%3Fjwt={tokens[1]}"):
                with self.subTest(scheme=scheme, path=path):
                    self.assertRefused(self.moq(server.url(path, scheme), "export", "fmp4"))
        self.assertNoneIn(server, expired, *tokens)

    def test_keys_of_a_folder(self):
        keys = self.folder / "keys"
        keys.mkdir()
        private, public = self.key("2026-11")
        server = self.guarded(f'key_dir = "{keys}"')
        url = server.url("?jwt=" + self.sign(private, "--publish", "", "--subscribe", ""))
        self.assertRefused(self.moq(url, "export", "fmp4"))
        public.rename(keys / public.name)
        source = media.make(self.folder / "source.mp4", 1)
        viewer, received = self.watch(url)
        # One was refused before.
        server.sessions(2)
        self.assertEndsWell(self.moq(url, "import", "--realtime", str(source)))
        self.assertEndsWell(viewer)
        self.assertEqual(media.compare(source, received).video, (0, media.FRAME_RATE))

    def test_a_session_ends_when_its_token_expires(self):
        private, public = self.key("root")
        server = self.guarded(f'key = "{public}"')
        expires = int(time.time()) + VALID
        token = self.sign(private, "--subscribe", "", "--expires", str(expires))
        viewers = [self.moq(server.url(f"?jwt={token}", scheme), "--no-reconnect", "export", "fmp4")
                   for scheme in SCHEMES]
        server.sessions(len(SCHEMES))
        for viewer in viewers:
            self.assertNotEqual(viewer.wait(), 0, viewer.text())
            self.assertGreaterEqual(time.time(), expires)
            self.assertLess(time.time(), expires + LATE)
        server.errors.expect("closed: .*the token or the certificate has expired", count=len(SCHEMES))


class Services(Guarded):
    """Others are asked who may connect."""

    def setUp(self) -> None:
        super().setUp()
        self.server = pages.Pages(self.folder / "pages")
        self.addCleanup(self.server.close)

    def asking(self, line: str, **options):
        """A relay with `line` in [auth] that trusts the server of this test."""
        return self.relay(auth=line, head=f'client.tls.root = "{self.server.root}"', **options)

    def test_keys_of_a_server(self):
        private, public = self.key("2026-11")
        self.server.answers["/keys/2026-11.jwk"] = public.read_text()
        self.server.headers = {"Cache-Control": "max-age=3600"}
        relay = self.asking(f'key_dir = "{self.server.url}/keys"')
        url = relay.url("?jwt=" + self.sign(private, "--publish", "", "--subscribe", ""))
        source = media.make(self.folder / "source.mp4", 1)
        viewer, received = self.watch(url)
        relay.sessions(1)
        self.assertEndsWell(self.moq(url, "import", "--realtime", str(source)))
        self.assertEndsWell(viewer)
        self.assertEqual(media.compare(source, received).video, (0, media.FRAME_RATE))
        self.assertEqual(self.server.count("/keys/2026-11.jwk"), 1)
        stranger, _ = self.key("2026-12")
        token = self.sign(stranger, "--subscribe", "")
        for scheme in SCHEMES:
            self.assertRefused(self.once(relay.url(f"?jwt={token}", scheme)))
        self.assertGreaterEqual(self.server.count("/keys/2026-12.jwk"), 1)
        # What is kept is used when nobody answers; nothing else is let in.
        self.server.close()
        self.once(url.replace("moqt:", "https:"))
        # On raw QUIC, the stranger was connected until it was refused.
        relay.sessions(4)
        other, _ = self.key("other")
        self.assertRefused(self.once(relay.url("?jwt=" + self.sign(other, "--subscribe", ""))), FAILED)
        self.assertNoneIn(relay, token)

    def test_a_key_that_is_withdrawn(self):
        private, public = self.key("root")
        conditions = []

        def validated(request: pages.Request) -> None:
            conditions.append(request.headers["If-None-Match"])
            if conditions[-1] == '"1"':
                return self.server.send(request, b"", 304, Cache_Control="no-cache", ETag='"1"')
            return self.server.send(request, public.read_bytes(), Cache_Control="no-cache", ETag='"1"')

        self.server.answers["/root.jwk"] = validated
        relay = self.asking(f'key = "{self.server.url}/root.jwk"')
        url = relay.url("?jwt=" + self.sign(private, "--subscribe", ""), "https")
        for count in (1, 2):
            self.once(url)
            relay.sessions(count)
        self.assertEqual(conditions, [None, '"1"'])
        del self.server.answers["/root.jwk"]
        self.assertRefused(self.once(url))

    def test_a_service_decides(self):
        private, public = self.key("first")
        operators = free_port()
        relay = self.asking(f'auth_api = "{self.server.url}/auth"', tail=f"[internal]\nlisten = {operators}")

        def decide(request: pages.Request) -> None:
            query = self.server.queries("/auth")[-1]
            answer: dict = {"alias": query["root"].replace("demo", "x7k2qp"), "tier": "local"}
            if "kid" in query:
                answer["key"] = json.loads(self.token_key(public))
            else:
                answer["public"] = {"subscribe": [""]}
            self.server.send(request, json.dumps(answer).encode(), Cache_Control="max-age=60")

        self.server.answers["/auth"] = decide
        source = media.make(self.folder / "source.mp4", 1)
        # The same tree by either name.
        viewer, received = self.watch(relay.url("x7k2qp", "https"))
        relay.sessions(1)
        token = self.sign(private, "--root", "demo", "--publish", "live")
        self.assertEndsWell(self.moq(relay.url(f"demo?jwt={token}"), "import", "--realtime", str(source)))
        self.assertEndsWell(viewer)
        self.assertEqual(media.compare(source, received).video, (0, media.FRAME_RATE))
        self.assertEqual(self.server.queries("/auth"),
                         [{"root": "x7k2qp", "transport": "quic"},
                          {"root": "demo", "kid": "first", "transport": "quic"}])
        # And the same account.
        relay.errors.expect(": left: ", count=2)
        counted = self.metrics(operators)
        self.assertEqual(counted['moq_relay_sessions_closed_total{tier="local"}'], 2)
        self.assertEqual(counted['moq_relay_sessions_closed_total{tier=""}'], 0)
        for role in ("publisher", "subscriber"):
            self.assertGreaterEqual(counted[f'moq_relay_frames_total{{tier="local",role="{role}"}}'], media.FRAME_RATE)
        self.assertNoneIn(relay, token)

    def test_whatever_a_service_says_nobody_else_comes_in(self):
        relay = self.asking(f'auth_api = "{self.server.url}/auth"')
        public = b'{"public": {"subscribe": [""], "publish": [""]}}'
        plain = pages.Pages(self.folder / "plain", secure=False)
        self.addCleanup(plain.close)
        plain.answers["/auth"] = public.decode()

        def endless(request: pages.Request) -> None:
            request.send_response(200)
            request.send_header("Transfer-Encoding", "chunked")
            request.end_headers()
            while True:
                request.wfile.write(b"1000\r\n" + b" " * 4096 + b"\r\n")

        def endless_headers(request: pages.Request) -> None:
            request.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                request.wfile.write(b"X: " + b"x" * 1000 + b"\r\n")

        def cut_short(request: pages.Request) -> None:
            request.send_response(200)
            request.send_header("Content-Length", str(len(public) + 1))
            request.end_headers()
            request.wfile.write(public)
            request.close_connection = True

        answers = {
            "huge": lambda request: self.server.send(request, public + b" " * (10 << 20)),
            "endless": endless,
            "endless headers": endless_headers,
            "cut short": cut_short,
            "no HTTP": lambda request: request.wfile.write(b"SSH-2.0-x\r\n\r\n"),
            "no JSON": "<html>",
            "another JSON": '{"public": "all"}',
            "forbidden": lambda request: self.server.send(request, public, 403),
            "not found": lambda request: self.server.send(request, public, 404),
            "failing": lambda request: self.server.send(request, public, 500),
            "redirect to what is not encrypted":
                lambda request: self.server.send(request, b"", 302, Location=f"{plain.url}/auth"),
            "redirect to itself": lambda request: self.server.send(request, b"", 302, Location="/auth"),
            "silent": self.server.hang,
        }
        for number, (name, answer) in enumerate(answers.items()):
            with self.subTest(name):
                self.server.answers["/auth"] = answer
                # Each path is another question: a failure stands for a second.
                self.assertRefused(self.once(relay.url(f"demo{number}", SCHEMES[number % 2])), FAILED)
        self.assertEqual(plain.asked, [])
        self.server.answers["/auth"] = lambda request: self.server.send(request, b"", 307, Location="/moved")
        self.server.answers["/moved"] = public.decode()
        self.once(relay.url("last", "https"))
        # On raw QUIC, all were connected until they were refused.
        relay.sessions((len(answers) + 1) // 2 + 1)
        self.server.close()
        self.assertRefused(self.once(relay.url("down")), FAILED)

    def test_a_server_that_nobody_vouches_for_is_not_asked(self):
        self.server.answers["/auth"] = '{"public": {"subscribe": [""]}}'
        relay = self.guarded(f'auth_api = "{self.server.url}/auth"')
        self.assertRefused(self.once(relay.url("demo")), FAILED)
        other = pages.Pages(self.folder / "other")
        self.addCleanup(other.close)
        root = self.folder / "root.pem"
        root.write_bytes(other.root.read_bytes())
        relay = self.relay(auth=f'auth_api = "{self.server.url}/auth"', head=f'client.tls.root = "{root}"')
        self.assertRefused(self.once(relay.url("demo", "https")), FAILED)
        # Once somebody does, it is; and still, when the file is bad.
        self.assertEqual(self.server.asked, [])
        for number, text in enumerate((self.server.root.read_bytes(), b"nothing")):
            (self.folder / "new.pem").write_bytes(text)
            (self.folder / "new.pem").rename(root)
            self.once(relay.url(f"demo{number}", "https"))
            relay.sessions(number + 1)
        asked = list(self.server.asked)
        # Nor one that has a certificate for another name.
        address = self.server.url.replace("localhost", "127.0.0.1")
        relay = self.asking(f'auth_api = "{address}/auth"')
        self.assertRefused(self.once(relay.url("demo")), FAILED)
        self.assertEqual(self.server.asked, asked)

    def token_key(self, public: pathlib.Path) -> str:
        """A key file's JSON, which it may have in base64url."""
        text = public.read_text().strip()
        return text if text.startswith("{") else base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


class Certificates(Guarded):
    """Clients show one."""

    def authority(self, name: str) -> pathlib.Path:
        folder = self.folder / name
        folder.mkdir()
        # One name for all: clients show only what the server's authorities may have issued.
        certificates.make(folder, "authority")
        return folder

    def shown(self, authority: pathlib.Path, seconds: float = 86400) -> tuple[str, ...]:
        folder = self.folder / f"client{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        certificates.issue(authority, folder, seconds)
        return "--client-tls-cert", str(folder / "cert.pem"), "--client-tls-key", str(folder / "key.pem")

    def test_a_certificate_stands_for_a_token(self):
        authority = self.authority("peers")
        relay = self.relay(tls=f'generate = ["localhost"]\nroot = "{authority}/cert.pem"', auth="")
        shown = self.shown(authority)
        source = media.make(self.folder / "source.mp4", 1)
        viewer, received = self.watch(relay.url("demo", "https"), *shown)
        relay.sessions(1)
        self.assertEndsWell(self.moq(relay.url("demo"), *shown, "import", "--realtime", str(source)))
        self.assertEndsWell(viewer)
        self.assertEqual(media.compare(source, received).video, (0, media.FRAME_RATE))
        stranger = self.shown(self.authority("strangers"))
        for scheme in SCHEMES:
            self.assertRefused(self.once(relay.url("demo", scheme)))
            self.assertNotEqual(self.once(relay.url("demo", scheme), *stranger).wait(), 0)

    def ask(self, port: int, path: str, shown: tuple[str, ...] = ()) -> tuple[int, bytes]:
        """What HTTPS answers."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if shown:
            context.load_cert_chain(shown[1], shown[3])
        with contextlib.closing(http.client.HTTPSConnection("localhost", port, timeout=60, context=context)) as server:
            server.request("GET", path)
            answer = server.getresponse()
            return answer.status, answer.read()

    def test_https_asks_for_one_too(self):
        authority = self.authority("peers")
        known = self.shown(authority)
        # Clients show it whoever is asked for, so that it is the relay that refuses it.
        stranger = self.shown(self.authority("strangers"))
        port = free_port()
        lines = f'[web.https]\nlisten = "[::]:{port}"\nroot = "{authority}/cert.pem"'
        relay = self.relay(auth=f'public.subscribe = "open"\n{lines}')
        self.assertEqual(self.ask(port, "/announced/demo", known), (200, b""))
        self.assertEqual(self.ask(port, "/announced/demo")[0], 401)
        self.assertEqual(self.ask(port, "/announced/open"), (200, b""))
        # It is for HTTPS only.
        self.assertRefused(self.once(relay.url("demo"), *known))
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.ask(port, "/announced/demo", stranger)
        # Authorities are exchanged as certificates are.
        os.replace(self.folder / "strangers" / "cert.pem", authority / "cert.pem")
        relay.errors.expect("new certificates are in use")
        self.assertEqual(self.ask(port, "/announced/demo", stranger), (200, b""))
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.ask(port, "/announced/demo", known)

    def test_a_session_ends_when_its_certificate_does(self):
        authority = self.authority("peers")
        relay = self.relay(tls=f'generate = ["localhost"]\nroot = "{authority}/cert.pem"', auth="")
        shown = self.shown(authority, VALID)
        ends = int(time.time()) + VALID - 1
        viewers = [self.once(relay.url("demo", scheme), *shown) for scheme in SCHEMES]
        relay.sessions(len(SCHEMES))
        for viewer in viewers:
            self.assertNotEqual(viewer.wait(), 0, viewer.text())
            self.assertGreaterEqual(time.time(), ends)
            self.assertLess(time.time(), ends + LATE)
        relay.errors.expect("closed: .*certificate has expired", count=len(SCHEMES))


if __name__ == "__main__":
    unittest.main()
