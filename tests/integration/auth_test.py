"""Who has a token, and who has not: both carriers, keys that change, and the time that ends a session."""

import os
import pathlib
import subprocess
import time
import unittest

import case
import media
import processes

SCHEMES = ("moqt", "https")
# A second, and what a loaded machine takes.
LATE = 20
# Seconds for both to connect, with time to spare.
VALID = 15
REFUSED = r"UNAUTHORIZED|\b401:"


class Auth(case.Case):
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
        return self.moq(url, "export", "fmp4", *arguments, stdout=received), received

    def assertRefused(self, program: processes.Process) -> None:
        self.assertNotEqual(program.wait(), 0, program.text())
        self.assertRegex(program.text(), REFUSED)

    def assertNoneIn(self, server, *tokens: str) -> None:
        """Nothing of them is in what the relay has said, at any level."""
        said = "\n".join(server.errors.all())
        for token in tokens:
            for part in token.split("."):
                self.assertNotIn(part, said)

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
        server.errors.expect("closed: .*the token has expired", count=len(SCHEMES))


if __name__ == "__main__":
    unittest.main()
