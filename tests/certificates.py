"""Certificates for servers of tests."""
import subprocess
from pathlib import Path


def self_signed(folder: Path, name: str) -> Path:
    """A file with a certificate of that host name, which vouches for itself, and its key; made by openssl."""
    path = folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-keyout", path, "-out", path.with_suffix(".crt")],
                   check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path
