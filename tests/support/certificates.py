"""Makes certificates."""

import pathlib
import subprocess


def make(folder: pathlib.Path, name: str = "localhost") -> bytes:
    """Writes key.pem and cert.pem of a self-signed certificate; the latter's contents."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "10",
                    "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
                   stdin=subprocess.DEVNULL, check=True, capture_output=True)
    return (folder / "cert.pem").read_bytes()
