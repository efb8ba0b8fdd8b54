"""TLS of the server section: what contradicts itself is refused here, before a worker could. Pure but for paths."""

from __future__ import annotations

from pathlib import Path

from circus_stack.config.problems import Problems
from circus_stack.config.server_schema import ServerConfig
from circus_stack.config.values import NOWHERE

# Of the backends that chaussette brings. One that another distribution adds is asked when it starts.
PLAIN = ("waitress", "meinheld", "eventlet", "bjoern")
_MEANINGLESS_ALONE = ("keyfile", "ca_certs", "cert_reqs", "ciphers")


def tls_flags(server: ServerConfig, backend: str, section: str, problems: Problems) -> dict[str, str]:
    """The flags that give a worker its certificates; empty for plain HTTP. Mistakes go to `problems`."""
    if server.certfile is None:
        for name in _MEANINGLESS_ALONE:
            if getattr(server, name) not in (None, "none"):
                _refuse(server, name, "is refused: without certfile there is no TLS", section, problems)
        return {}
    if backend in PLAIN:
        message = f"is refused: {backend} serves no https; choose gevent, fastgevent or wsgiref, or have a proxy do it"
        _refuse(server, "certfile", message, section, problems)
    if server.cert_reqs not in (None, "none") and server.ca_certs is None:
        _refuse(server, "cert_reqs", "needs ca_certs: who may sign the clients' certificates", section, problems)
    flags = {f"--{name.replace('_', '-')}": _path(server, name) for name in ("certfile", "keyfile", "ca_certs")}
    flags |= {"--cert-reqs": server.cert_reqs, "--ciphers": server.ciphers}
    return {flag: value for flag, value in flags.items() if value is not None}


def _path(server: ServerConfig, name: str) -> str | None:
    """The path, relative to the file that names it."""
    value: str | None = getattr(server, name)
    if value is None:
        return None
    place = server.where.get(name)
    folder = Path(place.file).parent if place is not None and place.file else Path()
    return str((folder / value).absolute())


def _refuse(server: ServerConfig, name: str, message: str, section: str, problems: Problems) -> None:
    problems.add(message, server.where.get(name, NOWHERE), section=section, option=name, found=getattr(server, name))
