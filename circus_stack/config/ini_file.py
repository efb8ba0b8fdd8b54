"""An ini file as lines of which single options and sections can be changed; every other byte stays. Pure.

What the file says is read by the reader of its dialect. Each change is read back: where the dialect cannot say what is
wanted, or something else would come to mean another thing, ValueError is raised and the file stays as it is.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from circus_stack.config.circus_reader import read_circus
from circus_stack.config.document import Document, Section
from circus_stack.config.paste_reader import read_paste
from circus_stack.config.problems import Problems

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_ENDING = re.compile(r"[\r\n]*$")
_HEADER = re.compile(r"\[(.+)\]")
# The name and what stands between it and the value; in Circus's dialect a comment behind the value.
_HEAD = r"(?P<head>[^:=]+[:=][^\S\r\n]*)"
_OPTION = re.compile(_HEAD + r"(?:[^;\r\n]*?(?P<tail>\s;.*?)|.*?)(?P<end>[\r\n]*)$")

_EMPTY = '""'

_Said = dict[tuple[str, str, str], str]


@dataclass(frozen=True)
class IniFile:
    """One file. `is_paste`: the dialect of PasteDeploy, where % begins a variable; otherwise Circus's."""

    path: str
    lines: tuple[str, ...]
    is_paste: bool

    @classmethod
    def of(cls, path: str, text: str, *, is_paste: bool) -> IniFile:
        """The file with that text, whatever ends its lines."""
        return cls(path, tuple(_LINE.findall(text)), is_paste)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.lines)

    @cached_property
    def document(self) -> Document:
        """What it says; mistakes are not told."""
        text = "\n".join(_ENDING.sub("", line) for line in self.lines)
        return (read_paste if self.is_paste else read_circus)(text, self.path, Problems())

    def section(self, kind: str, name: str) -> Section | None:
        """The section `[kind:name]`, however its title is written, its blocks together."""
        return next((each for each in self.document.sections if (each.kind, each.name) == (kind, name)), None)

    def written(self, value: str) -> str:
        """A value as the dialect writes it."""
        if self.is_paste:
            return value.replace("%", "%%")
        return value or _EMPTY

    def with_option(self, section: Section, key: str, written: str) -> IniFile:
        """The file with the option set, in its own line or in a new one behind the others of the section; `written` is
        the value as the dialect writes it."""
        entry = section.find(key)
        lines = list(self.lines)
        if entry is None:
            at = self._end_of_block(section.where.line - 1)
            lines[at - 1] = self._ended(lines[at - 1])
            lines[at:at] = self._option_lines(f"{key} = ", written, "", self._newline)
        else:
            start = entry.where.line - 1
            parts = _OPTION.match(lines[start])
            if parts is None:
                raise ValueError("its line cannot be changed")
            end, comments = self._span(start)
            tail = "" if self.is_paste else parts["tail"] or ""
            head = parts["head"] if parts["head"][-1].isspace() else f"{parts['head']} "
            lines[start:end] = [*self._option_lines(head, written, tail, parts["end"] or self._newline), *comments]
        return self._checked(lines, {(section.kind, section.name, key): written})

    def without_option(self, section: Section, key: str) -> IniFile:
        """The file without the option, wherever the section repeats it."""
        entry = section.find(key)
        if entry is None:
            return self
        start = entry.where.line - 1
        end, comments = self._span(start)
        fewer = dataclasses.replace(self, lines=(*self.lines[:start], *comments, *self.lines[end:]))
        remaining = fewer.section(section.kind, section.name)
        if remaining is not None and remaining.find(key) is not None:
            fewer = fewer.without_option(remaining, key)
        return self._checked(fewer.lines, {(section.kind, section.name, key): None})

    def with_section(self, title: str, entries: Iterable[tuple[str, str]]) -> IniFile:
        """The file with a new section at its end; its values are written as in `with_option`."""
        kind, _, name = title.partition(":")
        lines = list(self.lines)
        if lines:
            lines[-1] = self._ended(lines[-1])
            lines.append(self._newline)
        lines.append(f"[{title}]{self._newline}")
        wanted: dict[tuple[str, str, str], str | None] = {}
        for key, written in entries:
            lines += self._option_lines(f"{key} = ", written, "", self._newline)
            wanted[kind, name, key] = written
        return self._checked(lines, wanted)

    def without_section(self, section: Section) -> IniFile:
        """The file without the section; comments behind its last option stay, as they may belong to the next one."""
        lines: list[str] = []
        at = 0
        while at < len(self.lines):
            header = _HEADER.match(self.lines[at])
            if header is not None and header[1].partition("]")[0].strip() == section.title.strip():
                at = self._end_of_block(at)
            else:
                lines.append(self.lines[at])
                at += 1
        return self._checked(lines, {(section.kind, section.name, entry.key): None for entry in section.entries})

    # -- lines ------------------------------------------------------------------------------------------------

    @property
    def _newline(self) -> str:
        first = self.lines[0] if self.lines else ""
        found = _ENDING.search(first)
        return (found[0] if found else "") or "\n"

    def _ended(self, line: str) -> str:
        return line if line.endswith(("\r", "\n")) else line + self._newline

    def _option_lines(self, head: str, value: str, tail: str, newline: str) -> list[str]:
        first, *more = value.split("\n")
        indent = " " * (len(head) - len(head.lstrip()) + 4)
        return [f"{head}{first}{tail}".rstrip() + newline, *(f"{indent}{line}{newline}" for line in more)]

    def _span(self, start: int) -> tuple[int, list[str]]:
        """Where the option that begins there ends, and the comments within it."""
        indent = _indent(self.lines[start]) if self.is_paste else 0
        end = start + 1
        between: list[str] = []
        comments: list[str] = []
        for at in range(start + 1, len(self.lines)):
            line = self.lines[at]
            if not line.strip() or line.lstrip()[0] in "#;":
                between.append(line)
            elif _indent(line) > indent:
                end, comments, between = at + 1, comments + between, []
            else:
                break
        return end, comments

    def _end_of_block(self, header: int) -> int:
        """Behind the last line of the block that isn't blank and no comment."""
        end = header + 1
        for at in range(header + 1, len(self.lines)):
            line = self.lines[at]
            if _HEADER.match(line):
                break
            if line.strip() and line.lstrip()[0] not in "#;":
                end = at + 1
        return end

    # -- the check --------------------------------------------------------------------------------------------

    def _checked(self, lines: Sequence[str], wanted: dict[tuple[str, str, str], str | None]) -> IniFile:
        """The file with these lines, if it says what is wanted and nothing else has changed."""
        # As its reader will see it: a carriage return within a value would end the line there.
        changed = IniFile.of(self.path, "".join(lines), is_paste=self.is_paste)
        expected = {**self._said, **{key: value for key, value in wanted.items() if value is not None}}
        for key, value in wanted.items():
            if value is None:
                expected.pop(key, None)
            elif value == _EMPTY and not self.is_paste:
                expected[key] = ""
        if changed._said != expected:
            raise ValueError("the file has no way to say it")
        return changed

    @cached_property
    def _said(self) -> _Said:
        return {
            (section.kind, section.name, entry.key): entry.value
            for section in self.document.sections
            for entry in section.entries
        }


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
