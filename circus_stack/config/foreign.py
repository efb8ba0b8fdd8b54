"""How the options of somebody else's server section become ours. Pure; the servers themselves stand in `foreign_table`.

A table maps a foreign option to one of ours; `circus.X` and `watcher.X` name options of those sections. What no table
maps is warned of, with its reason where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from circus_stack.config.document import Entry, Section
from circus_stack.config.problems import Problems
from circus_stack.config.values import Location

YES = ("yes", "true", "on", "1")
NO = ("no", "false", "off", "0")

# A threaded server of some quality where it is installed, else the one that always is.
THREADED = ("waitress", "wsgiref")


class Foreign(Struct, frozen=True):
    """One server: its name, its options in our words, its defaults, and the backends that come nearest to it."""

    title: str
    keys: Mapping[str, str]
    defaults: Mapping[str, str] = field(default_factory=dict)
    backends: tuple[str, ...] = THREADED
    reasons: Mapping[str, str] = field(default_factory=dict)
    # Values with which an option asks for nothing that isn't so in any case: no warning.
    met: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Translation(Struct):
    """A server section in our own words. `backends` are in the order of preference.

    `section` and `where` are those of the file; `is_own`: it was ours, or there was none. `defaulted` names the options
    that the foreign server's defaults filled.
    """

    section: str = "server:main"
    where: Location = Location()
    backends: tuple[str, ...] = THREADED
    is_own: bool = False
    server: list[Entry] = field(default_factory=list)
    circus: list[Entry] = field(default_factory=list)
    watcher: list[Entry] = field(default_factory=list)
    defaulted: set[str] = field(default_factory=set)

    def add(self, key: str, value: str, where: Location) -> None:
        """File an option under the section that its prefix names; the first of a name stays."""
        prefix, _, rest = key.partition(".")
        target = {"circus": self.circus, "watcher": self.watcher}.get(prefix, self.server)
        name = key if target is self.server else rest
        if all(entry.key != name for entry in target):
            target.append(Entry(name, value, where))


def translate(foreign: Foreign, section: Section, problems: Problems) -> Translation:
    """Our options from a foreign section's; a warning names each that is not honoured."""
    result = Translation(section.title, section.where, foreign.backends)
    for entry in section.entries:
        target = foreign.keys.get(entry.key)
        if target is None and entry.value.strip().lower() in foreign.met.get(entry.key, ()):
            continue
        if target is None:
            reason = foreign.reasons.get(entry.key, "")
            message = f"is not honoured: {reason}" if reason else "is not honoured"
            problems.warn(message, entry.where, section=section.title, option=entry.key)
        else:
            result.add(target, entry.value, entry.where)
    return result


def fill_defaults(translation: Translation, defaults: Mapping[str, str]) -> None:
    """Add the foreign server's own defaults for what its section doesn't say."""
    present = {entry.key for entry in translation.server}
    for key, value in defaults.items():
        if key not in present:
            translation.add(key, value, translation.where)
            translation.defaulted.add(key)
