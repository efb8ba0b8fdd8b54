"""Reads the Circus dialect of ini: text in, Document out. Pure.

No interpolation, case-sensitive options, `=` or `:`; `#`, `;` and `rem` lines and ` ;` tails are comments, `""` is the
empty value, indented lines continue a value, sections of one title merge, the first value of a repeated option wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from circus_stack.config.document import Document, Entry, Section
from circus_stack.config.problems import Problems
from circus_stack.config.values import Location

_HEADER = re.compile(r"\[([^]]+)\]")
_OPTION = re.compile(r"([^:=\s][^:=]*?)\s*[:=]\s*(.*)")
_REM = re.compile(r"rem(\s|$)", re.IGNORECASE)
_TAIL = re.compile(r"\s;.*")


@dataclass(slots=True)
class _Draft:
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
            value.append(_without_tail(line).strip())
        elif header := _HEADER.match(line):
            draft, value = drafts.setdefault(header[1].strip(), _Draft(where)), None
        elif draft is None:
            problems.add("stands before the first [section]", where, found=line.strip())
        elif option := _OPTION.match(line.strip()):
            value = _open_option(draft, option, where)
        else:
            problems.add("is neither a [section] nor an option", where, found=line.strip(), legal="NAME = VALUE")
            value = None
    return Document(path, tuple(_finished(title, each) for title, each in drafts.items()), text)


def _is_comment(line: str) -> bool:
    stripped = line.strip()
    return not stripped or stripped[0] in "#;" or _REM.match(line) is not None


def _without_tail(value: str) -> str:
    return _TAIL.sub("", value)


def _open_option(draft: _Draft, option: re.Match[str], where: Location) -> list[str]:
    text = _without_tail(option[2]).strip()
    value = ["" if text == '""' else text]
    # A repeated option still owns its continuation lines, although its value is not kept.
    draft.entries.setdefault(option[1], (where, value))
    return value


def _finished(title: str, draft: _Draft) -> Section:
    entries = (Entry(key, "\n".join(lines).strip(), where) for key, (where, lines) in draft.entries.items())
    return Section(title, draft.where, tuple(entries))
