"""Collects every mistake and every warning of a configuration, so that a person hears of all of them at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from circus_stack.config.values import Location
from circus_stack.errors import ConfigError, Problem

# Below this likeness a proposal confuses more than it helps: "workers" is not meant by "worker_class".
_LIKENESS = 0.66


def nearest(name: str, legal: Iterable[str], likeness: float = _LIKENESS) -> str:
    """The legal name that is most like `name`, whatever the case; empty if none is like it."""
    by_lower = {each.lower(): each for each in legal}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=likeness)
    return by_lower[found[0]] if found else ""


class Problems:
    """What the passes found so far; handed from pass to pass, raised once at the end."""

    def __init__(self) -> None:
        self._mistakes: dict[Problem, None] = {}
        self._warnings: dict[Problem, None] = {}

    def add(
        self,
        message: str,
        where: Location | None = None,
        *,
        section: str = "",
        option: str = "",
        found: str | None = None,
        legal: str = "",
        nearest: str = "",
    ) -> None:
        """A mistake: the configuration is refused."""
        self._mistakes[_problem(message, where, section, option, found, legal, nearest)] = None

    def warn(
        self,
        message: str,
        where: Location | None = None,
        *,
        section: str = "",
        option: str = "",
        found: str | None = None,
        legal: str = "",
        nearest: str = "",
    ) -> None:
        """A warning: the configuration is accepted, and this is told."""
        self._warnings[_problem(message, where, section, option, found, legal, nearest)] = None

    @property
    def mistakes(self) -> tuple[Problem, ...]:
        """In the order of files and lines."""
        return tuple(sorted(self._mistakes, key=_place))

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """In the order of files and lines."""
        return tuple(sorted(self._warnings, key=_place))

    def raise_mistakes(self) -> None:
        """Raise ConfigError with every mistake, or return if there is none."""
        if self._mistakes:
            raise ConfigError(self.mistakes)


def _problem(
    message: str, where: Location | None, section: str, option: str, found: str | None, legal: str, nearest: str
) -> Problem:
    place = where or Location()
    return Problem(
        message=message,
        file=place.file,
        line=place.line,
        section=section,
        option=option,
        found=found,
        legal=legal,
        nearest=nearest,
    )


def _place(problem: Problem) -> tuple[str, int, str, str]:
    return problem.file, problem.line, problem.section, problem.option
