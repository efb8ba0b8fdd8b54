"""The ini that an import writes: sections of options, with a remark for each line that has no counterpart. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from msgspec import Struct, field

from circus_stack.config.values import Location

_WIDTH = 116


class Remark(Struct, frozen=True):
    """What a line of the original asks for and the ini cannot say, or says in another way; `why` also tells what to do
    instead. `text` is the line as written, empty where it is about all of the file."""

    where: Location
    text: str
    why: str

    def __str__(self) -> str:
        """The line with its place, where that is known."""
        place = f"{Path(self.where.file).name}:{self.where.line}: " if self.where.file else ""
        return f"{place}{' '.join(self.text.split())}"

    def lines(self) -> Iterator[str]:
        """As comment lines; the line itself first, then the reason."""
        if self.text:
            yield f"# {self}"
        indent = "#   " if self.text else "# "
        yield from wrap(self.why, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False)


class DraftSection(Struct):
    """One section. `options` are written already: % is %% where no variable is meant."""

    title: str
    options: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def add(self, key: str, written: str) -> None:
        """One more option; of a key that is there already, the new value."""
        self.options = [(each, value) for each, value in self.options if each != key]
        self.options.append((key, written))

    def lines(self) -> Iterator[str]:
        """The section as lines of an ini."""
        yield f"[{self.title}]"
        for key, value in self.options:
            yield f"{key} = {indented(value)}".rstrip()
        for remark in self.remarks:
            yield from remark.lines()


class Draft(Struct):
    """A whole file: remarks on all of it, then its sections."""

    remarks: list[Remark] = field(default_factory=list)
    sections: list[DraftSection] = field(default_factory=list)

    def section(self, title: str) -> DraftSection:
        """The section of that title, a new one if there is none."""
        for each in self.sections:
            if each.title == title:
                return each
        self.sections.append(DraftSection(title))
        return self.sections[-1]

    def all_remarks(self) -> list[Remark]:
        """Every remark, in the order in which they are written."""
        return [*self.remarks, *(remark for section in self.sections for remark in section.remarks)]

    def render(self, heading: str) -> str:
        """The text of the ini, under a first comment."""
        lines = wrap(heading, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)
        for remark in self.remarks:
            lines += ["#", *remark.lines()]
        for section in self.sections:
            if section.options:
                lines += ["", *section.lines()]
            elif section.remarks:
                # Without an option it would be an empty section: its remarks stand alone.
                lines += ["", *(line for remark in section.remarks for line in remark.lines())]
        return "\n".join(lines) + "\n"


def written(text: str) -> str:
    """A plain text as the ini writes it: a % would begin a variable."""
    return text.replace("%", "%%")


def indented(value: str) -> str:
    """Further lines of a value are indented, or they would be options of their own."""
    return value.replace("\n", "\n    ")
