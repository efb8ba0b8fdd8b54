"""Reads supervisord's dialect of ini, with the files that it includes: sections and entries with their lines.

The rules are ConfigParser's as supervisor sets it up: `;` and `#` after a blank begin a comment, keys are in lower
case, a section may stand twice, and the last value of a key counts.
"""

from __future__ import annotations

import glob
import platform
import re
from collections.abc import Callable
from pathlib import Path

from circus_stack.config.document import Entry, Section
from circus_stack.config.problems import Problems
from circus_stack.config.values import Location

_INLINE = re.compile(r"(?:^|(?<=\s))[;#]")
_HEADER = re.compile(r"\[(?P<title>.+)\]")
_OPTION = re.compile(r"(?P<key>[^=:]*?)\s*[=:]\s*(?P<value>.*)$")

_Read = Callable[[Path], str]


class _Scanner:
    """The state between two lines: the section, the option that an indented line continues, and its indent."""

    def __init__(self, sections: dict[str, dict[str, Entry]], problems: Problems) -> None:
        self.sections = sections
        self.begins: dict[str, Location] = {}
        self._problems = problems
        self._section: dict[str, Entry] | None = None
        self._key = ""
        self._indent = 0

    def feed(self, line: str, where: Location) -> None:
        """Take the next line."""
        if line.lstrip()[:1] in ("#", ";"):
            return
        comment = _INLINE.search(line)
        text = (line[: comment.start()] if comment else line).strip()
        if not text:
            return
        indent = len(line) - len(line.lstrip())
        if self._section is not None and self._key and indent > self._indent:
            self._continue(self._section, text)
            return
        self._indent = indent
        header = _HEADER.match(text)
        if header:
            self._section = self.sections.setdefault(header["title"], {})
            self.begins.setdefault(header["title"], where)
            self._key = ""
        else:
            self._open(text, where)

    def _continue(self, section: dict[str, Entry], text: str) -> None:
        entry = section[self._key]
        section[self._key] = Entry(entry.key, f"{entry.value}\n{text}".lstrip("\n"), entry.where)

    def _open(self, text: str, where: Location) -> None:
        option = _OPTION.match(text)
        if self._section is None or option is None or not option["key"]:
            self._problems.add("is neither a [section] nor an option", where, found=text, legal="NAME = VALUE")
            return
        self._key = option["key"].lower()
        self._section[self._key] = Entry(self._key, option["value"].strip(), where)


def scan(path: Path, read: _Read, problems: Problems) -> tuple[Section, ...]:
    """The sections of a file and of those that its `[include]` names, in their order."""
    sections: dict[str, dict[str, Entry]] = {}
    begins: dict[str, Location] = {}
    _scan_file(path, read, sections, begins, problems)
    for entry in sections.get("include", {}).values():
        if entry.key != "files":
            continue
        for each in _included(path, entry, problems):
            _scan_file(each, read, sections, begins, problems)
    return tuple(Section(title, begins[title], tuple(found.values())) for title, found in sections.items())


def _scan_file(
    path: Path, read: _Read, sections: dict[str, dict[str, Entry]], begins: dict[str, Location], problems: Problems
) -> None:
    scanner = _Scanner(sections, problems)
    for number, line in enumerate(read(path).splitlines(), start=1):
        scanner.feed(line, Location(str(path), number))
    for title, where in scanner.begins.items():
        begins.setdefault(title, where)


def _included(path: Path, entry: Entry, problems: Problems) -> list[Path]:
    text = entry.value.replace("%(here)s", str(path.parent)).replace("%(host_node_name)s", platform.node())
    found: list[Path] = []
    for pattern in text.split():
        names = sorted(glob.glob(str(path.parent / pattern)))  # noqa: PTH207 - an absolute pattern is legal here
        if not names:
            problems.warn("matches no file", entry.where, section="include", option="files", found=pattern)
        found += map(Path, names)
    return found
