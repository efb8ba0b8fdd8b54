"""The sections `[env]` and `[env:PATTERN,...]`: which variables each watcher gets. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from circus_stack.config.document import Section
from circus_stack.config.expand import environ_variables, expand, expand_environ
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.values import Location


class Layer(Struct, frozen=True):
    """The variables of one section; without patterns it is for every watcher."""

    title: str
    where: Location
    patterns: tuple[str, ...]
    variables: Mapping[str, str]

    def matches(self, name: str | None) -> bool:
        """Whether the watcher of that name gets these variables; None is what is no watcher."""
        return not self.patterns or (name is not None and any(_matches(name, each) for each in self.patterns))


class _Combined(Struct, frozen=True):
    """What several layers come to; `expandable` holds the arbiter's environment as well."""

    own: Mapping[str, str]
    expandable: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StackEnvironment:
    """All layers; `[env:PATTERN]` wins over `[env]`, and what stands later in the file over what stands earlier."""

    layers: tuple[Layer, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    # By the layers that match: most watchers of a file have the same.
    _known: dict[tuple[int, ...], _Combined] = field(default_factory=dict, compare=False, repr=False)

    def of_watcher(self, name: str) -> dict[str, str]:
        """The variables that the watcher's sections set; those of no section are the arbiter's affair."""
        return dict(self._combined(name).own)

    def expandable(self, name: str | None) -> Mapping[str, str]:
        """`circus.env.X` -> value, for the options of a watcher, or of what is none."""
        return self._combined(name).expandable

    def _combined(self, name: str | None) -> _Combined:
        matching = [number for number, layer in enumerate(self.layers) if layer.matches(name)]
        order = tuple(sorted(matching, key=lambda number: bool(self.layers[number].patterns)))
        known = self._known.get(order)
        if known is None:
            known = self._known[order] = self._combine(order)
        return known

    def _combine(self, order: Iterable[int]) -> _Combined:
        """Variables may name others, `$(circus.env.X)`: those that came before them, else those of the environment."""
        own: dict[str, str] = {}
        expandable = environ_variables(self.environ)
        for number in order:
            for name, value in self.layers[number].variables.items():
                own[name] = expand(value, expandable)
                # Taken out first, so that it comes last: what was laid over is found first, in whatever case.
                expandable.pop(f"circus.env.{name}", None)
                expandable[f"circus.env.{name}"] = own[name]
        return _Combined(own, expandable)


def read_environment(sections: Iterable[Section], environ: Mapping[str, str]) -> StackEnvironment:
    """Layers from the sections; `$NAME` in a value is taken from `environ`."""
    return StackEnvironment(tuple(_layer(section, environ) for section in sections), environ)


def _layer(section: Section, environ: Mapping[str, str]) -> Layer:
    # A variable that is missing leaves no blank behind.
    variables = {entry.key: expand_environ(entry.value, environ).strip() for entry in section.entries}
    # At commas alone: the name of a watcher may hold blanks.
    patterns = tuple(word for word in map(str.strip, section.name.split(",")) if word)
    return Layer(section.title, section.where, patterns, variables)


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name.lower(), pattern.lower())


def check_patterns(environment: StackEnvironment, names: Iterable[str], problems: Problems) -> None:
    """Warn of a pattern that matches no watcher: it is a misspelt name more often than not."""
    known = tuple(names)
    for layer in environment.layers:
        for pattern in layer.patterns:
            if not any(_matches(name, pattern) for name in known):
                problems.warn(
                    f"{pattern!r} matches no watcher",
                    layer.where,
                    section=layer.title,
                    nearest=nearest(pattern, known),
                )
