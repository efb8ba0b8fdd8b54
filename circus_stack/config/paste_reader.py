"""Scans the Paste dialect of ini: text in, Document with the line of every option out. Pure, and without interpolation.

PasteDeploy's own parser (the standard library's ConfigParser, strict) tells neither the line of an option nor more
than one mistake. This scanner follows the same rules, reports every mistake, and writes the rest down again as a text
that PasteDeploy's parser reads without complaint: values, defaults and interpolation are its own.
"""

from __future__ import annotations

import re

from msgspec import Struct, field

from circus_stack.config.document import Document, Entry, Section
from circus_stack.config.problems import Problems
from circus_stack.config.values import Location

# The first word of the sections that PasteDeploy knows.
APP_KINDS = ("app", "application", "composite", "composit", "pipeline", "filter-app")
PASTE_KINDS = (*APP_KINDS, "filter", "server")
DEFAULT = "DEFAULT"

_HEADER = re.compile(r"\[(?P<title>.+)\]")
_SEPARATOR = re.compile(r"[=:]")


class _Draft(Struct):
    title: str
    where: Location
    entries: dict[str, tuple[Location, list[str]]] = field(default_factory=dict)


class _Scanner:
    """The state between two lines: the section, the value that an indented line continues, and its indent."""

    def __init__(self, path: str, problems: Problems) -> None:
        self.drafts: dict[str, _Draft] = {}
        self._path = path
        self._problems = problems
        self._draft: _Draft | None = None
        self._value: list[str] | None = None
        self._indent = 0

    def feed(self, number: int, line: str) -> None:
        """Take the next line; the first has number 1."""
        stripped = line.strip()
        if not stripped:
            if self._value is not None:
                self._value.append("")
            return
        if stripped[0] in "#;":
            return
        indent = len(line) - len(line.lstrip())
        if self._value is not None and indent > self._indent:
            self._value.append(stripped)
            return
        self._indent = indent
        self._open(stripped, Location(self._path, number))

    def _open(self, line: str, where: Location) -> None:
        if header := _HEADER.match(line):
            self._open_section(header["title"], where)
            return
        if self._draft is None:
            self._problems.add("stands before the first [section]", where, found=line)
            return
        separator = _SEPARATOR.search(line)
        if separator is not None and separator.start() > 0:
            key, value = line[: separator.start()].rstrip(), line[separator.end() :].strip()
            self._open_option(self._draft, key, value, where)
            return
        title = self._draft.title
        self._problems.add(
            "is neither a [section] nor an option", where, section=title, found=line, legal="NAME = VALUE"
        )
        # What is indented below nonsense belongs to it.
        self._value = []

    def _open_section(self, title: str, where: Location) -> None:
        self._value = None
        known = self.drafts.get(title)
        if known is not None and title != DEFAULT:
            self._problems.add(f"stands twice; it began at line {known.where.line}", where, section=title)
        self._draft = known or _Draft(title, where)
        self.drafts[title] = self._draft

    def _open_option(self, draft: _Draft, key: str, value: str, where: Location) -> None:
        self._value = [value]
        first = draft.entries.get(key)
        if first is None:
            draft.entries[key] = (where, self._value)
            return
        self._problems.add(f"stands twice; first at line {first[0].line}", where, section=draft.title, option=key)


def read_paste(text: str, path: str, problems: Problems) -> Document:
    """The document; its `text` holds the same sections and options, without what was refused."""
    scanner = _Scanner(path, problems)
    for number, line in enumerate(text.split("\n"), start=1):
        scanner.feed(number, line)
    sections = tuple(_finished(draft) for draft in scanner.drafts.values())
    return Document(path, sections, "".join(map(_written, sections)))


def _finished(draft: _Draft) -> Section:
    entries = (Entry(key, "\n".join(lines).rstrip(), where) for key, (where, lines) in draft.entries.items())
    return Section(draft.title, draft.where, tuple(entries))


def _written(section: Section) -> str:
    lines = [f"[{section.title}]"]
    # One blank before each further line makes it a continuation; an empty line within a value stays one.
    lines += [f"{entry.key} = " + entry.value.replace("\n", "\n ") for entry in section.entries]
    return "\n".join(lines) + "\n"
