"""Makes certificates."""

import datetime
import pathlib
import subprocess

_CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
# What `openssl ca` wants to have, and nothing of which matters.
_AUTHORITY = """[ca]
default_ca = it
[it]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
x509_extensions = client
unique_subject = no
[any]
commonName = supplied
[client]
extendedKeyUsage = clientAuth
"""


def _run(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, check=True, capture_output=True)


def make(folder: pathlib.Path, name: str = "localhost") -> bytes:
    """Writes key.pem and cert.pem of a self-signed certificate; the latter's contents."""
    _run("req", "-x509", *_CURVE, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "10",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    return (folder / "cert.pem").read_bytes()


def issue(authority: pathlib.Path, folder: pathlib.Path, seconds: float = 86400) -> None:
    """Writes key.pem and cert.pem of a client's certificate, which `authority`, a folder of `make`, has issued; it
    is valid for `seconds` from now."""
    (authority / "index").touch()
    (authority / "ca.conf").write_text(_AUTHORITY.format(folder=authority))
    if not (authority / "serial").exists():
        (authority / "serial").write_text("01")
    now = datetime.datetime.now(datetime.timezone.utc)
    times = [(now + datetime.timedelta(seconds=each)).strftime("%Y%m%d%H%M%SZ") for each in (-3600, seconds)]
    _run("req", "-new", *_CURVE, "-subj", "/CN=client", "-keyout", folder / "key.pem", "-out", folder / "request.pem")
    _run("ca", "-batch", "-notext", "-config", authority / "ca.conf", "-cert", authority / "cert.pem",
         "-keyfile", authority / "key.pem", "-startdate", times[0], "-enddate", times[1],
         "-in", folder / "request.pem", "-out", folder / "cert.pem")
