"""Our moq-token and that of npm's @moq/token: either one's keys and tokens are good for the
other, in each algorithm, and what one refuses the other does, too."""

import base64
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

SECRET = ("HS256", "HS384", "HS512")
PAIRS = ("ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA")
SECONDS = 120
HOUR = 3600


class Failed(Exception):
    pass


def run(command: list[str], text: str = "") -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise Failed(f"{done.returncode}: {done.stderr}")
    return done.stdout


def ours(*arguments: str | os.PathLike, text: str = "") -> str:
    return run([os.environ["TEST_TOKEN"], *map(str, arguments)], text)


def theirs(*arguments: str | os.PathLike, text: str = "") -> str:
    return run(["node", os.environ["TEST_THEIRS"], *map(str, arguments)], text)


def sign(program, key: pathlib.Path, expires: int | None = None) -> str:
    token = program("sign", "--key", key, "--root", "demo", "--publish", "alice", "--publish", "bob",
                    "--subscribe", "", "--expires", str(expires or int(time.time()) + HOUR))
    return token.strip()


def header(token: str) -> dict:
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Token(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="moq-token-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def our_keys(self, algorithm: str) -> tuple[pathlib.Path, pathlib.Path]:
        """Private and public; the same file where there is only one."""
        private, public = self.folder / "our-private.jwk", self.folder / "our-public.jwk"
        pair = algorithm in PAIRS
        ours("generate", "--algorithm", algorithm, "--out", private, *(["--public", public] if pair else []))
        return private, public if pair else private

    def their_keys(self, algorithm: str, *arguments: str) -> tuple[pathlib.Path, pathlib.Path]:
        private, public = self.folder / "their-private.jwk", self.folder / "their-public.jwk"
        pair = algorithm in PAIRS
        theirs("generate", "--algorithm", algorithm, "--key", private, *arguments,
               *(["--public", public] if pair else []))
        return private, public if pair else private

    def both_accept(self, token: str, key: pathlib.Path) -> None:
        claims = [json.loads(ours("verify", "--key", key, text=token)),
                  json.loads(theirs("verify", "--key", key, "--root", "demo", text=token + "\n"))]
        for each in claims:
            self.assertEqual((each["root"], each["put"], each["get"]), ("demo", ["alice", "bob"], [""]))
            self.assertGreater(each["exp"], time.time())
        self.assertEqual(claims[0]["exp"], claims[1]["exp"])

    def both_refuse(self, token: str, key: pathlib.Path) -> None:
        for program, arguments in ((ours, []), (theirs, ["--root", "demo"])):
            with self.assertRaises(Failed) as caught:
                program("verify", "--key", key, *arguments, text=token)
            self.assertTrue(str(caught.exception).startswith("1: "), caught.exception)

    def test_our_keys(self):
        for algorithm in (*SECRET, *PAIRS):
            with self.subTest(algorithm=algorithm):
                private, public = self.our_keys(algorithm)
                for program in (ours, theirs):
                    token = sign(program, private)
                    self.both_accept(token, public)
                    self.both_accept(token, private)

    def test_their_keys(self):
        for algorithm in (*SECRET, *PAIRS):
            for form in ([], ["--base64"]):
                with self.subTest(algorithm=algorithm, form=form):
                    private, public = self.their_keys(algorithm, *form)
                    self.both_accept(sign(ours, private), public)
                    self.both_accept(sign(theirs, private), public)

    def test_a_key_keeps_its_name(self):
        key = self.folder / "key.jwk"
        theirs("generate", "--key", key, "--id", "of-theirs_1")
        for token in (sign(ours, key), sign(theirs, key)):
            self.assertEqual(header(token), {"typ": "JWT", "alg": "HS256", "kid": "of-theirs_1"})

    def test_what_both_refuse(self):
        for algorithm in ("HS256", "ES256", "EdDSA", "PS256"):
            with self.subTest(algorithm=algorithm):
                private, public = self.our_keys(algorithm)
                other = self.their_keys(algorithm)[1]
                for program in (ours, theirs):
                    token = sign(program, private)
                    head, payload, signature = token.split(".")
                    self.both_refuse(token, other)
                    self.both_refuse(sign(program, private, expires=1), public)
                    self.both_refuse(f"{head}.{payload}.", public)
                    self.both_refuse(f"{head}.{payload}", public)
                    changed = "A" if payload[10] != "A" else "B"
                    self.both_refuse(f"{head}.{payload[:10]}{changed}{payload[11:]}.{signature}", public)

    def test_the_algorithm_is_the_keys(self):
        keys = {each: self.our_keys(each)[0].read_text() for each in ("HS256", "HS512", "ES256", "EdDSA")}
        for algorithm, text in keys.items():
            key = self.folder / f"{algorithm}.jwk"
            key.write_text(text)
        for mine in keys:
            token = sign(theirs, self.folder / f"{mine}.jwk")
            for other in keys:
                if other != mine:
                    self.both_refuse(token, self.folder / f"{other}.jwk")


if __name__ == "__main__":
    unittest.main()
