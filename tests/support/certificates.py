"""Certificates for tests, made by the openssl program: an authority of its own, and what it signs."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make_authority(folder: Path) -> Path:
    """`ca.pem` and `ca.key` in `folder`; the path of the first."""
    _openssl("req", "-x509", *_KEY, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", "2",
             "-subj", "/O=Circus/CN=test authority")  # fmt: skip
    return folder / "ca.pem"


def sign(folder: Path, name: str, subject: str, names: str = "IP:127.0.0.1,DNS:localhost") -> tuple[Path, Path]:
    """NAME.pem and NAME.key, signed by the authority of `folder`."""
    certificate, key, request = folder / f"{name}.pem", folder / f"{name}.key", folder / f"{name}.csr"
    _openssl("req", *_KEY, "-keyout", key, "-out", request, "-subj", subject)
    extensions = folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName={names}\n")
    _openssl("x509", "-req", "-in", request, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial",
             "-days", "2", "-extfile", extensions, "-out", certificate)  # fmt: skip
    return certificate, key


def trusting(authority: Path) -> ssl.SSLContext:
    """The context of a client that trusts `authority`."""
    return ssl.create_default_context(cafile=str(authority))


def _openssl(*argv: object) -> None:
    subprocess.run(["openssl", *map(str, argv)], check=True, capture_output=True, timeout=60)
