"""Every exception that crosses a package's border. Leaves: they hold plain values and import nothing of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum


class CircusStackError(Exception):
    """Base of all; its text is a whole sentence for the person who reads the terminal."""


class IllegalStepError(CircusStackError):
    """A life cycle was asked for a step that its table lacks: a mistake of ours, never of a user's."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake (or one warning) in the configuration, with all that a person needs to mend it.

    `file` is empty and `line` 0 where the value came from a flag or from the environment; `where` then names that.
    `option` is `section.option`, or the section alone. `legal` says what would be right; `nearest` is the closest
    legal name of a misspelt one.
    """

    message: str
    file: str = ""
    line: int = 0
    section: str = ""
    option: str = ""
    found: str | None = None
    legal: str = ""
    nearest: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.file and self.line else f"{self.file}: " if self.file else ""
        name = f"[{self.section}] {self.option}".strip() if self.section else self.option
        text = f"{place}{name + ': ' if name else ''}{self.message}"
        if self.found is not None:
            text += f"; found {self.found!r}"
        if self.legal:
            text += f"; legal: {self.legal}"
        if self.nearest:
            text += f"; did you mean {self.nearest!r}?"
        return text


class ConfigError(CircusStackError):
    """All mistakes of a configuration at once; nothing was started or bound."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnknownOptionError(CircusStackError):
    """A watcher has no option of that name; the text begins with Circus's own, and names the nearest that it has."""

    def __init__(self, key: str, nearest: str = "") -> None:
        self.key = key
        super().__init__(f"unknown key {key!r}" + (f"; did you mean {nearest!r}?" if nearest else ""))


class SocketError(CircusStackError):
    """A listening socket could not be bound; the text names the address, the reason and, if known, the holder."""


class SpawnError(CircusStackError):
    """A command could not be executed; the text names command, watcher and reason."""


class ResourceShortageError(SpawnError):
    """Descriptors, memory or processes ran out where something was to be started: no fault of the command, so that it
    counts as no failure of it; to try again later may well help."""


class ServiceUnavailableError(CircusStackError):
    """The binary of a side service is missing; the text says how to install it."""


class StackRunningError(CircusStackError):
    """Another arbiter holds the lock of this stack's runtime directory."""


class StackFailedError(CircusStackError):
    """A watcher was given up with which the stack was to end; everything has been taken down in order."""

    def __init__(self, watcher: str, reason: str) -> None:
        super().__init__(f"the stack has ended because {watcher} has failed ({reason}), as exit_on_failed says")


class HandoverError(CircusStackError):
    """The state of an arbiter could not be handed over, or not be taken over; whoever had it still has it."""


class ReloadError(CircusStackError):
    """A reload was refused or rolled back; what served before still serves."""


class Errno(IntEnum):
    """The error numbers of Circus's replies, and one of ours."""

    NOT_SPECIFIED = 0
    INVALID_JSON = 1
    UNKNOWN_COMMAND = 2
    MESSAGE_ERROR = 3
    OS_ERROR = 4
    COMMAND_ERROR = 5
    BAD_MSG_DATA_ERROR = 6
    # Ours: Circus asks nobody who he is.
    NOT_ALLOWED = 7


class CommandError(CircusStackError):
    """A command was refused: becomes an error reply with `errno` and the text as its reason."""

    def __init__(self, reason: str, errno: Errno = Errno.MESSAGE_ERROR) -> None:
        self.errno = errno
        super().__init__(reason)


class OvertakenError(CommandError):
    """An operation on a watcher was overtaken by a stop, a restart or the end, before it was through."""


class UnknownWatcherError(CommandError):
    """No watcher of that name; the text is Circus's own."""

    def __init__(self, name: str) -> None:
        super().__init__(f"program {name} not found")


class CallError(CircusStackError):
    """A client's call found no arbiter, or got no answer in time."""


class NoAnswerError(CallError):
    """An arbiter is there, and has not answered in time: it is busy or stopped, or what was asked for takes longer."""
