"""Addresses to listen on, as servers and flags write them. Pure: text in, addresses out."""

from __future__ import annotations

import re

from msgspec import Struct, structs

from circus_stack.config.values import NOWHERE, Location

# sun_path holds 108 bytes, the last of which ends it.
UNIX_PATH_BYTES = 107

LEGAL = "HOST:PORT, *:PORT, [IPV6]:PORT, PORT or unix:PATH"

# A name, an IPv4 address or *; without brackets, since a bare IPv6 address can't be told from its port.
_HOST_PORT = re.compile(r"(?P<host>[^\s\[\]:/]*)(?::(?P<port>\d+))?")
_BRACKETED = re.compile(r"\[(?P<host>[0-9A-Fa-f:.]+(?:%[\w.]+)?)\](?::(?P<port>\d+))?")


class Address(Struct, frozen=True):
    """A place to listen: host and port, or the path of a unix socket. `*` became 0.0.0.0."""

    host: str = ""
    port: int = 0
    path: str | None = None
    where: Location = Location()

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def with_port(self, port: int, where: Location) -> Address:
        """The same host at another port."""
        return structs.replace(self, port=port, where=where)


def parse_address(text: str, default_host: str, default_port: int, where: Location = NOWHERE) -> Address:
    """One address; what it doesn't name comes from the defaults. Raises ValueError for anything else."""
    text = text.strip()
    for prefix in ("unix://", "unix:"):
        if text.startswith(prefix) and len(text) > len(prefix):
            return Address(path=text[len(prefix) :], where=where)
    if text.startswith("/"):
        return Address(path=text, where=where)
    if text.isdecimal():
        return Address(default_host, _port(text), where=where)
    match = _BRACKETED.fullmatch(text) or _HOST_PORT.fullmatch(text)
    if match is None or not text:
        raise ValueError("no address")
    host = match["host"] or default_host
    port = default_port if match["port"] is None else _port(match["port"])
    return Address("0.0.0.0" if host == "*" else host, port, where=where)


def _port(text: str) -> int:
    number = int(text)
    if number > 65535:
        raise ValueError("no port")
    return number


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host of that name; a name other than localhost can't be told."""
    return host.lower() in ("localhost", "::1") or host.startswith("127.")
