"""The section `[socket:NAME]`. Pure."""

from __future__ import annotations

import dataclasses

from circus_stack.config.convert import convert, refuse_unknown
from circus_stack.config.document import Entry, Section
from circus_stack.config.option import spellings
from circus_stack.config.problems import nearest
from circus_stack.config.schema import SocketConfig
from circus_stack.config.watcher_section import Scope


def read_socket(section: Section, scope: Scope) -> SocketConfig:
    """One socket; its name is lower-cased, as `$(circus.sockets.NAME)` is."""
    title = section.title

    def take_unknown(entry: Entry) -> None:
        legal = spellings(SocketConfig)
        if scope.dialect.is_strict:
            refuse_unknown(entry, title, legal, scope.problems)
        else:
            near = nearest(entry.key, legal)
            scope.problems.warn(
                "is not an option of a socket", entry.where, section=title, option=entry.key, nearest=near
            )

    expanded = scope.expand(section)
    umask = expanded.find("umask")
    if umask is not None:
        expanded = expanded.map_values(lambda entry: _octal(entry, title, scope) if entry is umask else entry.value)
    converted = convert(SocketConfig, expanded.entries, title, scope.problems, take_unknown)
    if converted.refused & {"port", "family"}:
        # The default in its place would collide with sockets that are right; a port of the kernel's choice can't.
        converted.values["port"] = 0
    where = {"": section.where, **converted.where}
    return normalise(SocketConfig(name=section.name.lower(), where=where, **converted.values))


def _octal(entry: Entry, title: str, scope: Scope) -> str:
    """The umask's text in octal. Circus reads it in base 10, so `8` is 010 there, and `22` is 026: told where it may
    matter."""
    text = entry.value.strip()
    if not text.isdecimal() or text.startswith("0") or text in "1234567":
        return text
    decimal = f"{int(text):03o}"
    is_octal = not set(text) & set("89")
    meant = f"is read in octal; Circus reads it in base 10, as {decimal}" if is_octal else f"is read as octal {decimal}"
    legal = f"0{text} or {decimal}" if is_octal else decimal
    scope.problems.warn(meant, entry.where, section=title, option="umask", found=text, legal=legal)
    return text if is_octal else decimal


def normalise(socket: SocketConfig) -> SocketConfig:
    """The same socket with the family that its address has, and a host that getaddrinfo takes."""
    if socket.path is not None:
        return dataclasses.replace(socket, family="AF_UNIX")
    host = socket.host.strip().removeprefix("[").removesuffix("]")
    if host in ("*", ""):
        host = "::" if socket.family == "AF_INET6" else "0.0.0.0"
    family = "AF_INET6" if ":" in host else socket.family
    return dataclasses.replace(socket, host=host, family=family)
