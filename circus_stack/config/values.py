"""Values of options that are more than a number or a text: frozen, comparable, and nothing but data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ReadinessForm(StrEnum):
    """How the arbiter learns that a process serves."""

    NONE = "none"
    NOTIFY = "notify"
    TCP = "tcp"
    HTTP = "http"
    EXEC = "exec"
    DELAY = "delay"


@dataclass(frozen=True, slots=True)
class Readiness:
    """A form and its target: `HOST:PORT`, a URL, a command line or a number of seconds; empty for none and notify."""

    form: ReadinessForm = ReadinessForm.NONE
    target: str = ""

    def __str__(self) -> str:
        return f"{self.form}:{self.target}" if self.target else str(self.form)


class ReloadMode(StrEnum):
    """How a watcher's processes take over a new state of the world."""

    ROLLING = "rolling"
    RESTART = "restart"
    HUP = "hup"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """Where a watcher's stdout or stderr goes: a class's name (short or dotted) and its own options, as text."""

    sink: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HookConfig:
    """A hook: the dotted name of its callable, and whether the watcher goes on as if it had agreed when it raises."""

    callable: str
    ignore_failure: bool = False

    def __str__(self) -> str:
        return f"{self.callable},{self.ignore_failure}"


# No bound, of a resource limit: what `resource.RLIM_INFINITY` is.
UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class Location:
    """Where a value came from. `line` is 1 for the first line; 0 with a `file` that is a flag or a variable."""

    file: str = ""
    line: int = 0


NOWHERE = Location()
