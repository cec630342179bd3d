"""The program moq-token: its files and their modes, standard input and output, what it says
of mistakes, and that it never says a secret."""

import base64
import json
import os
import pathlib
import stat
import subprocess
import tempfile
import unittest

SECONDS = 120
OK, FAILED, WRONG_FLAGS = 0, 1, 2
ALGORITHMS = ("HS256", "HS384", "HS512", "ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
              "EdDSA")
SECRET_MEMBERS = ("k", "d", "p", "q", "dp", "dq", "qi")


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class Token(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="moq-token-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        # What a file is without a mode of its own.
        self.addCleanup(os.umask, os.umask(0o022))

    def run_token(self, *arguments: str | os.PathLike, text: str = "", status: int = OK) -> str:
        """What it wrote to standard output, or, when it has to fail, to standard error."""
        done = subprocess.run([os.environ["TEST_TOKEN"], *map(str, arguments)], input=text, cwd=self.folder,
                              capture_output=True, text=True, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertEqual(done.stderr if status == OK else done.stdout, "")
        return done.stdout if status == OK else done.stderr

    def key(self, *arguments: str, name: str = "key.jwk") -> pathlib.Path:
        self.run_token("generate", "--out", name, *arguments)
        return self.folder / name

    def test_each_algorithm(self):
        for algorithm in ALGORITHMS:
            with self.subTest(algorithm=algorithm):
                pair = not algorithm.startswith("HS")
                private = self.key("--algorithm", algorithm, *(["--public", "public.jwk"] if pair else []))
                public = self.folder / "public.jwk" if pair else private
                token = self.run_token("sign", "--key", private, "--root", "demo", "--publish", "alice",
                                       "--publish", "bob", "--subscribe", "", "--issued", "1700000000",
                                       "--expires", "4102444800")
                self.assertRegex(token, r"^[\w-]+\.[\w-]+\.[\w-]+\n$")
                self.assertEqual(json.loads(decode(token.split(".")[0]))["alg"], algorithm)
                said = self.run_token("verify", "--key", public, text=token)
                self.assertEqual(json.loads(said), {"root": "demo", "put": ["alice", "bob"], "get": [""],
                                                    "exp": 4102444800, "iat": 1700000000})

    def test_key_files(self):
        private = self.key("--algorithm", "ES256", "--id", "a_Key-1", "--public", "public.jwk")
        public = self.folder / "public.jwk"
        self.assertEqual((mode(private), mode(public)), (0o600, 0o644))
        halves = [json.loads(decode(path.read_text())) for path in (private, public)]
        self.assertEqual(set(halves[0]), {"alg", "key_ops", "kty", "crv", "x", "y", "d", "kid"})
        left = {k: v for k, v in halves[0].items() if k not in SECRET_MEMBERS}
        self.assertEqual(halves[1], left | {"key_ops": ["verify"]})
        self.assertEqual(halves[1]["kid"], "a_Key-1")

    def test_a_link_leads_to_the_file_that_is_replaced(self):
        self.key(name="elsewhere.jwk")
        link = self.folder / "key.jwk"
        link.symlink_to("elsewhere.jwk")
        before = link.read_text()
        self.key()
        self.assertTrue(link.is_symlink())
        self.assertNotEqual(link.read_text(), before)
        self.assertEqual(sorted(each.name for each in self.folder.iterdir()), ["elsewhere.jwk", "key.jwk"])

    def test_a_file_that_was_there_gets_the_mode(self):
        for name in ("key.jwk", "public.jwk"):
            path = self.folder / name
            path.write_text("x" * 5000)
            path.chmod(0o666)
        private = self.key("--algorithm", "EdDSA", "--public", "public.jwk")
        self.assertEqual((mode(private), mode(self.folder / "public.jwk")), (0o600, 0o666))
        self.assertNotIn("x" * 100, private.read_text())

    def test_folders(self):
        for name in ("private", "public"):
            (self.folder / name).mkdir()
        self.run_token("generate", "--algorithm", "EdDSA", "--out-dir", "private", "--public-dir", "public")
        (private,), (public,) = (list((self.folder / name).iterdir()) for name in ("private", "public"))
        self.assertEqual(private.name, public.name)
        self.assertRegex(private.name, r"^[0-9a-f]{16}\.jwk$")
        self.assertEqual(json.loads(decode(private.read_text()))["kid"], private.stem)
        self.assertEqual((mode(private), mode(public)), (0o600, 0o644))

    def test_standard_input_and_output(self):
        key = self.run_token("generate")
        self.assertEqual(json.loads(decode(key.strip()))["alg"], "HS256")
        self.assertEqual(json.loads(decode(self.run_token("generate", "--out", "-").strip()))["kty"], "oct")
        token = self.run_token("sign", "--key", "-", "--subscribe", "", text=f" \n{key}\n")
        (self.folder / "token.jwt").write_text(f"\n {token} \n")
        said = self.run_token("verify", "--key", "-", "--in", "token.jwt", text=key)
        self.assertEqual(json.loads(said), {"root": "", "get": [""]})
        public = self.run_token("generate", "--algorithm", "EdDSA", "--out", "private.jwk", "--public", "-")
        self.assertNotIn("d", json.loads(decode(public.strip())))
        # A key that somebody made readable.
        (self.folder / "plain.jwk").write_bytes(decode(key.strip()))
        self.run_token("verify", "--key", "plain.jwk", text=token)

    def test_a_scope_is_kept(self):
        private = self.key("--algorithm", "EdDSA", "--root", "project", "--publish", "live", "--subscribe", "",
                           "--public", "public.jwk")
        for path in (private, self.folder / "public.jwk"):
            scope = json.loads(decode(path.read_text()))["scope"]
            self.assertEqual(scope, {"root": "project", "put": ["live"], "get": [""]})
        self.run_token("sign", "--key", private, "--root", "project/live", "--publish", "")
        self.assertIn("scope", self.run_token("sign", "--key", private, "--publish", "project/other", status=FAILED))

    def test_tokens_that_are_refused(self):
        key = self.key()
        good = self.run_token("sign", "--key", key, "--root", "hunter2", "--publish", "hunter2").strip()
        expired = self.run_token("sign", "--key", key, "--root", "hunter2", "--publish", "", "--expires", "1").strip()
        other = self.key("--algorithm", "EdDSA", name="other.jwk")
        header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
        for token, by, said in [(expired, key, "expired"), (good, other, "EdDSA"),
                                (good[:good.rindex(".") + 1], key, "signed by this key"),
                                (good + ".", key, "three parts"), ("", key, "three parts"),
                                ("hunter2", key, "three parts"),
                                (f"{header}.{good.split('.')[1]}.", key, "HS256"), ("A" * 30000, key, "bytes")]:
            with self.subTest(said=said):
                errors = self.run_token("verify", "--key", by, text=token, status=FAILED)
                self.assertRegex(errors, rf"^moq-token: standard input: .*{said}.*\n$")
                for part in ("hunter2", *(p for p in token.split(".") if len(p) > 8)):
                    self.assertNotIn(part, errors)

    def test_keys_that_are_refused(self):
        weak = json.dumps({"alg": "HS256", "k": "aHVudGVyMg"})
        for text, said in [("", "moq-token generate"), ("hunter2", "key"), (weak, "32 to"),
                           (weak.replace("HS256", "none"), "alg"), ('{"alg":"HS256"}', '"k"'),
                           (weak[:-1], "JSON"), ("A" * 200000, "bytes")]:
            with self.subTest(said=said):
                (self.folder / "bad.jwk").write_text(text)
                errors = self.run_token("sign", "--key", "bad.jwk", "--publish", "", status=FAILED)
                self.assertRegex(errors, rf"^moq-token: bad\.jwk: .*{said}")
                self.assertNotIn("aHVudGVyMg", errors)

    def test_what_cannot_be_done(self):
        self.key("--algorithm", "ES256", "--public", "public.jwk")
        for arguments, said in [
            (["generate", "--public", "p.jwk"], "HS256 has no public half"),
            (["generate", "--algorithm", "ES256", "--public", "-"], "both keys cannot go to standard output"),
            (["generate", "--algorithm", "ES256", "--out", "k.jwk", "--public", "./k.jwk"], "both keys cannot go to k.jwk"),
            (["generate", "--algorithm", "ES256", "--out-dir", ".", "--public-dir", "."], "both keys cannot go to"),
            (["generate", "--id", "../x"], "key id has"),
            (["generate", "--out", "nowhere/key.jwk"], "nowhere/key.jwk: No such file"),
            (["generate", "--out-dir", "nowhere"], "nowhere/.*: No such file"),
            (["sign", "--key", "nowhere.jwk", "--publish", ""], "nowhere.jwk: No such file"),
            (["sign", "--key", "public.jwk", "--publish", ""], "key_ops"),
            (["sign", "--key", "key.jwk"], "--publish and --subscribe"),
            (["verify", "--key", "-"], "cannot both come from standard input"),
            (["verify", "--key", "key.jwk", "--in", "nowhere.jwt"], "nowhere.jwt: No such file"),
        ]:
            with self.subTest(arguments=arguments):
                self.assertRegex(self.run_token(*arguments, status=FAILED), rf"^moq-token: .*{said}")
        self.assertFalse((self.folder / "p.jwk").exists())

    def test_wrong_flags(self):
        for arguments, said in [([], "subcommand"), (["sign"], "--key"),
                                (["generate", "--algorithm", "none"], "none of HS256"),
                                (["generate", "--out", "a", "--out-dir", "b"], "--out"),
                                (["sign", "--key", "k", "--expires", "soon"], "seconds since 1970")]:
            with self.subTest(arguments=arguments):
                self.assertIn(said, self.run_token(*arguments, status=WRONG_FLAGS))

    def test_keys_are_in_base64url_of_json(self):
        for flags in ([], ["--base64"]):
            with self.subTest(flags=flags):
                private = self.key("--algorithm", "ES256", "--id", "it", "--public", "public.jwk", *flags)
                for file, has_secret in ((private, True), (self.folder / "public.jwk", False)):
                    self.assertRegex(file.read_text(), r"^[\w-]+\n?$")
                    jwk = json.loads(decode(file.read_text().strip()))
                    self.assertEqual((jwk["kty"], jwk["kid"], "d" in jwk), ("EC", "it", has_secret))
                token = self.run_token("sign", "--key", private, "--publish", "")
                self.run_token("verify", "--key", "public.jwk", text=token)
        self.assertIn("base64url of JSON", self.run_token("generate", "--help"))

    def test_help_and_version(self):
        for arguments in (["--help"], ["generate", "--help"], ["sign", "--help"], ["verify", "--help"]):
            self.assertIn("Examples:", self.run_token(*arguments))
        self.assertRegex(self.run_token("--version"), r"^moq-token \d+\.\d+")

    def test_output_that_is_full(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([os.environ["TEST_TOKEN"], "generate"], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("standard output: No space left", done.stderr)


if __name__ == "__main__":
    unittest.main()
