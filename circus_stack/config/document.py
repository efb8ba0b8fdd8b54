"""An ini file as it was written: sections and entries with their lines. Data only; both readers end here."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, structs

from circus_stack.config.values import Location


class Entry(Struct, frozen=True):
    """One option of a section: its value as text, and the place of its key."""

    key: str
    value: str
    where: Location


class Section(Struct, frozen=True):
    """One section; `kind` and `name` are the parts of `[kind:name]`, `name` is empty without a colon."""

    title: str
    where: Location
    entries: tuple[Entry, ...] = ()

    @property
    def kind(self) -> str:
        """What stands before the colon of the title; all of it without one."""
        return self.title.partition(":")[0].strip()

    @property
    def name(self) -> str:
        """What stands behind the colon of the title; empty without one."""
        return self.title.partition(":")[2].strip()

    def find(self, key: str) -> Entry | None:
        """The entry of that key, or None."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def map_values(self, change: Callable[[Entry], str]) -> Section:
        """The same section with every value replaced by `change(entry)`."""
        entries = tuple(structs.replace(entry, value=change(entry)) for entry in self.entries)
        return structs.replace(self, entries=entries)


class Document(Struct, frozen=True):
    """A whole file; section titles are unique. `text` is what a parser of the same dialect accepts without complaint:
    the file itself, with each line that was reported as a mistake left empty."""

    path: str
    sections: tuple[Section, ...]
    text: str = ""

    def find(self, title: str) -> Section | None:
        """The section of exactly that title, or None."""
        return next((section for section in self.sections if section.title == title), None)

    def titles(self) -> tuple[str, ...]:
        """All titles, in the order of the file."""
        return tuple(section.title for section in self.sections)
