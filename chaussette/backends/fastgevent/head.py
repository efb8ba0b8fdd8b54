"""From a status and a list of headers to the bytes of a head. Pure, but for the lines that it remembers."""

from __future__ import annotations

import re
from enum import IntEnum

_CACHED = 1024
# Longer ones, and those that differ from one client to the next, come once.
_CACHED_CHARACTERS = 128
# RFC 9110 5.6.2.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What would end the line, or the text where a C program reads it.
_BROKEN = re.compile(r"[\r\n\0]")


class Role(IntEnum):
    """What a header means to the server."""

    NONE = 0
    LENGTH = 1
    DATE = 2
    SERVER = 3
    CONNECTION = 4
    ENCODING = 5
    UPGRADE = 6


_ROLES = {
    "content-length": Role.LENGTH,
    "date": Role.DATE,
    "server": Role.SERVER,
    "connection": Role.CONNECTION,
    "transfer-encoding": Role.ENCODING,
    "upgrade": Role.UPGRADE,
}
# Of one client alone, mostly: nothing to remember.
_PRIVATE = frozenset({"set-cookie", "authorization", "www-authenticate", "location", "etag"})

# Of a whole head: as much as goes into one packet with a small body.
_HEAD_BYTES = 1024

# The head of a response, as far as its application says it, and the length that it promises; -1 for none.
Whole = tuple[bytes, int]

# Status and headers -> what they become.
heads: dict[tuple[str, tuple[tuple[str, str], ...]], Whole] = {}
# What came once, and no more of it: it may be secret, or large.
_seen: set[int] = set()
lines: dict[tuple[str, str], tuple[bytes, int]] = {}
_statuses: dict[str, bytes] = {}


def status_line(status: str) -> bytes:
    """The first line. Raises ValueError for a status that is none."""
    found = _statuses.get(status)
    if found is not None:
        return found
    if not isinstance(status, str):
        raise TypeError(f"the status must be text, not {type(status).__name__}")
    if not re.fullmatch(r"[1-9][0-9]{2}( .*)?", status) or _BROKEN.search(status):
        raise ValueError(f"{status!r} is no status: three digits, a blank and a reason are")
    line = f"HTTP/1.1 {status}\r\n".encode("latin-1")
    if len(_statuses) < _CACHED:
        _statuses[status] = line
    return line


def header_line(header: tuple[str, str]) -> tuple[bytes, int]:
    """The line of one header, checked, and its role; remembered in `lines`.

    Raises ValueError for a name that is no token, or a value with an end of line in it; TypeError for no text.
    """
    name, value = header
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"a header must be two texts, not {header!r}")
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a header")
    if _BROKEN.search(value):
        raise ValueError(f"the value of {name} has an end of line in it: {value!r}")
    low = name.lower()
    line = f"{name}: {value}\r\n".encode("latin-1"), int(_ROLES.get(low, Role.NONE))
    if len(name) + len(value) <= _CACHED_CHARACTERS and low not in _PRIVATE:
        if len(lines) >= _CACHED:
            lines.clear()
        lines[name, value] = line
    return line


def learn_head(key: tuple[str, tuple[tuple[str, str], ...]]) -> None:
    """Remember in `heads` what a status and its headers become, the second time that they come: whoever sends another
    value with each response is not worth the memory. Both are checked already.

    Only those in which no header means anything to the server, but for the length.
    """
    sign = hash(key)
    if sign not in _seen:
        if len(_seen) >= _CACHED:
            _seen.clear()
        _seen.add(sign)
        return
    status, headers = key
    parts, told = [status_line(status)], -1
    if status[0] == "1" or status[:3] in ("204", "304"):
        return
    for header in headers:
        line, role = lines.get(header) or header_line(header)
        if header not in lines or role not in (Role.NONE, Role.LENGTH) or (role == Role.LENGTH and told >= 0):
            return
        if role == Role.LENGTH:
            if not (header[1].isascii() and header[1].isdigit()):
                return
            told = int(header[1])
        parts.append(line)
    head = b"".join(parts)
    if len(head) <= _HEAD_BYTES:
        if len(heads) >= _CACHED:
            heads.clear()
        heads[key] = head, told
