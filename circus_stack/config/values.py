"""Values of options that are more than a number or a text: frozen, comparable, and nothing but data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct, field


class ReadinessForm(StrEnum):
    """How the arbiter learns that a process serves."""

    NONE = "none"
    NOTIFY = "notify"
    TCP = "tcp"
    HTTP = "http"
    EXEC = "exec"
    DELAY = "delay"


class Readiness(Struct, frozen=True):
    """A form and its target: `HOST:PORT`, a URL, a command line or a number of seconds; empty for none and notify."""

    form: ReadinessForm = ReadinessForm.NONE
    target: str = ""

    def __str__(self) -> str:
        return f"{self.form}:{self.target}" if self.target else str(self.form)


class HealthScope(StrEnum):
    """Whom a health probe judges."""

    WATCHER = "watcher"
    PROCESS = "process"


class ReloadMode(StrEnum):
    """How a watcher's processes take over a new state of the world."""

    ROLLING = "rolling"
    RESTART = "restart"
    HUP = "hup"
    NAMED = "named"
    NONE = "none"


class KillMode(StrEnum):
    """How far the end of a process goes."""

    ALL = "all"
    GROUP = "group"
    PROCESS = "process"


class FdKeeperMode(StrEnum):
    """Whether a process of our own keeps descriptors for the next arbiter."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Overlap(StrEnum):
    """What becomes of a scheduled run that is due while the one before it has not ended."""

    SKIP = "skip"
    QUEUE = "queue"


class StreamConfig(Struct, frozen=True):
    """Where a watcher's stdout or stderr goes: a class's name (short or dotted) and its own options, as text."""

    sink: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


class HookConfig(Struct, frozen=True):
    """A hook: the dotted name of its callable, and whether the watcher goes on as if it had agreed when it raises."""

    callable: str
    ignore_failure: bool = False

    def __str__(self) -> str:
        return f"{self.callable},{self.ignore_failure}"


_UNITS = ((1024**4, "T"), (1024**3, "G"), (1024**2, "M"), (1024, "K"))


class MemorySize(Struct, frozen=True):
    """An amount of memory: bytes, or percent of what there is."""

    amount: float
    is_percent: bool = False

    def bytes_of(self, total: Callable[[], int]) -> int:
        """In bytes; `total` tells how many there are, and is asked only where that matters."""
        return int(total() * self.amount / 100) if self.is_percent else int(self.amount)

    def __str__(self) -> str:
        if self.is_percent:
            # Not the sign, which a Paste file would have to write twice.
            return f"{int(self.amount) if self.amount.is_integer() else self.amount} percent"
        whole = int(self.amount)
        return next((f"{whole // size}{unit}" for size, unit in _UNITS if whole % size == 0), str(whole))


# No bound, of a resource limit: what `resource.RLIM_INFINITY` is.
UNLIMITED = -1


class Location(Struct, frozen=True):
    """Where a value came from. `line` is 1 for the first line; 0 with a `file` that is a flag or a variable."""

    file: str = ""
    line: int = 0


NOWHERE = Location()
