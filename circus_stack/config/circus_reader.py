"""Reads the Circus dialect of ini: text in, Document out. Pure.

No interpolation, case-sensitive options, `=` or `:`; `#`, `;` and `rem` lines are comments, and so is what follows the
first `;` of an option's line if a blank precedes it. `""` is the empty value, indented lines continue a value, sections
of one title merge, the first value of a repeated option wins.
"""

from __future__ import annotations

import re

from msgspec import Struct, field

from circus_stack.config.document import Document, Entry, Section
from circus_stack.config.problems import Problems
from circus_stack.config.values import Location

_HEADER = re.compile(r"\[([^]]+)\]")
_SEPARATOR = re.compile(r"[:=]")
_REM = re.compile(r"rem(\s|$)", re.IGNORECASE)
_TAIL = re.compile(r"([^;]*?)\s;.*", re.DOTALL)


class _Draft(Struct):
    where: Location
    entries: dict[str, tuple[Location, list[str]]] = field(default_factory=dict)


def read_circus(text: str, path: str, problems: Problems) -> Document:
    """Every line that is neither header, option, continuation nor comment is a mistake of its own."""
    drafts: dict[str, _Draft] = {}
    draft: _Draft | None = None
    value: list[str] | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        where = Location(path, number)
        if _is_comment(line):
            continue
        if line[0].isspace() and value is not None:
            value.append(line.strip())
        elif header := _HEADER.match(line):
            draft, value = drafts.setdefault(header[1].strip(), _Draft(where)), None
        elif draft is None:
            problems.add("stands before the first [section]", where, found=line.strip())
        elif (separator := _SEPARATOR.search(line)) and line[: separator.start()].strip():
            key, text = line[: separator.start()].strip(), line[separator.end() :].strip()
            value = _open_option(draft, key, text, where)
        else:
            problems.add("is neither a [section] nor an option", where, found=line.strip(), legal="NAME = VALUE")
            value = None
    return Document(path, tuple(_finished(title, each) for title, each in drafts.items()), text)


def _is_comment(line: str) -> bool:
    stripped = line.strip()
    return not stripped or stripped[0] in "#;" or _REM.match(line) is not None


def _open_option(draft: _Draft, key: str, text: str, where: Location) -> list[str]:
    tail = _TAIL.match(text)
    text = text if tail is None else tail[1].strip()
    value = ["" if text == '""' else text]
    # A repeated option still owns its continuation lines, although its value is not kept.
    draft.entries.setdefault(key, (where, value))
    return value


def _finished(title: str, draft: _Draft) -> Section:
    entries = (Entry(key, "\n".join(lines).strip(), where) for key, (where, lines) in draft.entries.items())
    return Section(title, draft.where, tuple(entries))
