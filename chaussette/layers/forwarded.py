"""The Forwarded header: from its text to elements, and what they say of a node. Pure. Source: RFC 7239.

Strict: what is not exactly the grammar is no header at all. A lenient reader and a strict one disagree about who the
client is, and that is what attackers look for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# RFC 9110 5.6.2 and 5.6.4.
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_PAIR = re.compile(rf"({_TOKEN})=({_TOKEN}|{_QUOTED})")
_SPACE = re.compile(r"[ \t]*")
_OBFUSCATED = r"_[A-Za-z0-9._-]+"
_NODE = re.compile(
    rf"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<v4>[0-9.]+)|(?P<other>unknown|{_OBFUSCATED}))(?::(?P<port>[0-9]{{1,5}}|{_OBFUSCATED}))?"
)
# More proxies than any request passes; each costs a look.
_MOST = 64

Element = Mapping[str, str]


def parse_forwarded(text: str) -> tuple[Element, ...] | None:
    """The elements, the first proxy's first; names are in lower case. None where the text is malformed."""
    elements: list[Element] = []
    position = 0
    while True:
        found = _element(text, position)
        if found is None:
            return None
        element, position = found
        if element:
            elements.append(element)
        if position == len(text):
            return tuple(elements) if elements else None
        if text[position] != "," or len(elements) >= _MOST:
            return None
        position += 1


def node_of(value: str) -> tuple[str, str] | None:
    """(address, port) of a `for` or `by`, port '' where there is none that is a number; None for a node that does not
    say its address."""
    match = _NODE.fullmatch(value)
    if match is None or match["other"]:
        return None
    port = match["port"] or ""
    return match["v6"] or match["v4"], port if port.isdecimal() else ""


def _element(text: str, position: int) -> tuple[dict[str, str], int] | None:
    """One element from `position` on, blanks around it included, and where it ends."""
    element: dict[str, str] = {}
    position = _skip(text, position)
    while position < len(text) and text[position] not in ",;":
        match = _PAIR.match(text, position)
        if match is None:
            return None
        name = match[1].lower()
        if name in element:
            return None
        element[name] = _unquoted(match[2])
        position = match.end()
        if position < len(text) and text[position] == ";":
            position += 1
            if position == len(text) or text[position] in ",; \t":
                return None
            continue
        break
    position = _skip(text, position)
    return (element, position) if position == len(text) or text[position] == "," else None


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    assert match is not None
    return match.end()


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
