"""One step of a script that both daemons go through, and what is said on the wire for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.compat.daemons import Daemon
from tests.compat.wire import Reply

# What a cast is answered.
SILENCE: Reply = {"status": "(no answer)"}

# After one of them the script waits until nothing moves, so that the next step finds the same on both sides.
CHANGES = {"start", "stop", "restart", "reload", "incr", "decr", "kill", "signal", "set", "add", "rm", "reloadconfig"}


@dataclass(frozen=True)
class Pid:
    """Stands for the pid of a watcher's n-th process."""

    watcher: str
    index: int = 0


@dataclass(frozen=True)
class Step:
    """A command with its properties; or `raw`, bytes or JSON that is sent as it is."""

    title: str
    command: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    raw: Any = None

    def run(self, daemon: Daemon) -> Reply:
        if self.raw is None:
            reply = daemon.call(self.command, **{key: _real(value, daemon) for key, value in self.properties.items()})
        else:
            reply = _answer(daemon, self.raw)
        neutral: Reply = daemon.neutral(reply)
        if self._asks_for().lower() in CHANGES:
            neutral["(at rest)"] = daemon.settle()
        return neutral

    def _asks_for(self) -> str:
        """The command, also that of a `raw` message: a cast changes something, too, and nobody says when it is done."""
        found = self.raw.get("command", "") if isinstance(self.raw, dict) else self.command
        return found if isinstance(found, str) else ""


def _answer(daemon: Daemon, message: Any) -> Reply:
    """What comes before the answer to the next question: nothing, or one reply."""
    daemon.wire.send(message)
    daemon.wire.send({"id": "next", "command": "numwatchers", "properties": {}})
    replies: list[Reply] = []
    while not replies or replies[-1]["id"] != "next":
        reply = daemon.wire.receive()
        assert reply is not None, f"{daemon.side} does not answer after {message!r}"
        replies.append(reply)
    assert len(replies) <= 2, replies
    return replies[0] if len(replies) == 2 else SILENCE


def _real(value: Any, daemon: Daemon) -> Any:
    match value:
        case Pid():
            return daemon.pids(value.watcher)[value.index]
        case str():
            return value.replace("@dir@", str(daemon.directory))
        case dict():
            return {key: _real(each, daemon) for key, each in value.items()}
        case _:
            return value


def step(title: str, command: str, /, **properties: Any) -> Step:
    """A command."""
    return Step(title, command, properties)


def raw(title: str, message: Any) -> Step:
    """Anything."""
    return Step(title, raw=message)
