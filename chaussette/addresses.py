"""Where a server listens, as a value: reading it from text, and saying what a socket's address is. Opens nothing."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from chaussette.errors import UsageError

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 8080
FAMILIES = ("AF_INET", "AF_INET6", "AF_UNIX")


@dataclass(frozen=True)
class Address:
    """A TCP host and port, or the path of a unix socket (then `host` is '' and `port` 0)."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host or "*"
        return f"{host}:{self.port}"


def parse_port(text: str) -> int:
    """A TCP port from 0 (the kernel chooses) to 65535."""
    if not text.isdecimal() or int(text) > 65535:
        raise UsageError(f"port {text!r}: a number from 0 to 65535 is needed")
    return int(text)


def parse_listen(text: str) -> Address:
    """One word of a `listen` option: `host:port`, `*:port`, `[::1]:port`, `port`, or `unix:/path`."""
    if text.startswith("unix:"):
        return unix_address(text)
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = ("*", text) if text.isdecimal() else (text, str(DEFAULT_PORT))
    elif text.endswith("]"):
        host, port = text, str(DEFAULT_PORT)
    if host.startswith("[") != host.endswith("]") or (":" in host and not host.startswith("[")):
        raise UsageError(f"address {text!r}: write an IPv6 host as [::1]:{DEFAULT_PORT}")
    return Address(host=host_name(host), port=parse_port(port))


def host_name(text: str) -> str:
    """The host without brackets; '*' means every IPv4 address."""
    bare = text.removeprefix("[").removesuffix("]")
    return "0.0.0.0" if bare in ("", "*") else bare


def unix_address(text: str) -> Address:
    """The address of `unix:/path` or `unix:///path`."""
    path = text.removeprefix("unix:")
    if path.startswith("//"):
        path = path[2:]
    if not path:
        raise UsageError(f"address {text!r}: a path is needed, as in unix:/run/app.sock")
    return Address(path=path)


def parse_host_port(host: str, port: int, family: str = "AF_INET") -> Address:
    """The address of `--host` and `--port`; `--host unix:/path` needs no port."""
    if family not in FAMILIES:
        raise UsageError(f"address family {family!r}: one of {', '.join(FAMILIES)} is needed")
    if host.startswith("unix:"):
        return unix_address(host)
    if family == "AF_UNIX":
        raise UsageError(f"host {host!r}: AF_UNIX needs a host of the form unix:/path")
    return Address(host=host_name(host), port=port)


def describe(sock: socket.socket, scheme: str = "http") -> str:
    """A listening socket as people write it: `http://127.0.0.1:8080` or `unix:/run/app.sock`."""
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f"unix:{printable_path(name)}"
    return f"{scheme}://{Address(host=name[0], port=name[1])}"


def printable_path(name: str | bytes) -> str:
    """A unix socket's name as text: an abstract one starts with '@', an unnamed one is `(unnamed)`."""
    text = name.decode(errors="replace") if isinstance(name, bytes) else name
    return text.replace("\0", "@") or "(unnamed)"
