"""TLS: from the options to a context of the standard library, read again on SIGHUP; and what the environ says of it."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaussette.errors import SocketError, UsageError
from chaussette.settings import Settings

log = logging.getLogger("chaussette")

# A client that has not finished its handshake by then is no client.
HANDSHAKE_S = 10.0
CERT_REQS = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
# OpenSSL's short names, as Apache writes a distinguished name.
_SHORT = {
    "commonName": "CN", "countryName": "C", "stateOrProvinceName": "ST", "localityName": "L", "organizationName": "O",
    "organizationalUnitName": "OU", "emailAddress": "emailAddress",
}  # fmt: skip


class Certificates:
    """The context that handshakes use. `reload` makes it anew; connections that are open keep theirs.

    `create` is `ssl.create_default_context`, or gevent's own where the standard library is not patched.
    """

    def __init__(self, settings: Settings, create: Callable[[Any], ssl.SSLContext]) -> None:
        self._settings = settings
        self._create = create
        self.context = self._read()

    def reload(self) -> None:
        """Read the files again. What is wrong with them is logged, and the old ones stay."""
        try:
            self.context = self._read()
        except SocketError as error:
            log.error("the certificates stay as they were: %s", error)
        else:
            log.info("The certificates were read again")

    def _read(self) -> ssl.SSLContext:
        settings = self._settings
        context = self._create(ssl.Purpose.CLIENT_AUTH)
        # HTTP/1.1 is all that any backend speaks.
        context.set_alpn_protocols(["http/1.1"])
        key = settings.keyfile or settings.certfile
        _try(
            f"--certfile {settings.certfile}, --keyfile {key}",
            lambda: context.load_cert_chain(settings.certfile, key, password=_no_password),
        )
        if settings.ca_certs:
            _try(f"--ca-certs {settings.ca_certs}", lambda: context.load_verify_locations(settings.ca_certs))
        context.verify_mode = CERT_REQS[settings.cert_reqs]
        if settings.ciphers:
            _try(f"--ciphers {settings.ciphers}", lambda: context.set_ciphers(settings.ciphers))
        return context


def _no_password() -> str:
    """OpenSSL would ask the terminal, and a worker has none."""
    raise SocketError("the private key has a pass phrase: a worker that starts by itself cannot give one")


def _try(what: str, call: Callable[[], object]) -> None:
    try:
        call()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = error.strerror if isinstance(error, FileNotFoundError | PermissionError) else str(error)
        raise SocketError(f"{what}: {reason}") from error


def check(settings: Settings) -> None:
    """Raises UsageError where the options of TLS contradict each other or name no file."""
    if not settings.certfile:
        given = [
            f"--{name.replace('_', '-')}" for name in ("keyfile", "ca_certs", "ciphers") if getattr(settings, name)
        ]
        if settings.cert_reqs != "none":
            given.append("--cert-reqs")
        if given:
            raise UsageError(f"{', '.join(given)}: without --certfile there is no TLS")
        return
    if settings.cert_reqs != "none" and not settings.ca_certs:
        raise UsageError(f"--cert-reqs {settings.cert_reqs} needs --ca-certs: who may sign the clients' certificates")
    for name in ("certfile", "keyfile", "ca_certs"):
        path = getattr(settings, name)
        if path and not Path(path).is_file():
            raise UsageError(f"--{name.replace('_', '-')} {path}: there is no such file")


def environ_of(connection: Any) -> dict[str, str]:
    """What mod_ssl adds to the environ, of an SSLSocket or SSLObject after its handshake. No header can set these."""
    cipher = connection.cipher()
    found = {"HTTPS": "on", "SSL_PROTOCOL": connection.version() or "", "SSL_CIPHER": cipher[0] if cipher else ""}
    certificate = connection.getpeercert()
    if not certificate:
        return {**found, "SSL_CLIENT_VERIFY": "NONE"}
    return {
        **found,
        "SSL_CLIENT_VERIFY": "SUCCESS",
        "SSL_CLIENT_S_DN": _name(certificate.get("subject", ())),
        "SSL_CLIENT_I_DN": _name(certificate.get("issuer", ())),
        "SSL_CLIENT_M_SERIAL": certificate.get("serialNumber", ""),
        "SSL_CLIENT_V_START": certificate.get("notBefore", ""),
        "SSL_CLIENT_V_END": certificate.get("notAfter", ""),
        "SSL_CLIENT_CERT": ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True)),
    }


def _name(parts: Any) -> str:
    """A distinguished name as RFC 2253 writes it: the most specific part first, what separates parts escaped."""
    pairs = [(_SHORT.get(key, key), value) for part in parts for key, value in part]
    return ",".join(f"{key}={_escaped(value)}" for key, value in reversed(pairs))


def _escaped(value: str) -> str:
    return "".join(f"\\{each}" if each in ',+"\\<>;=' else each for each in value)
