"""What control needs of its collaborators, as protocols: the arbiter, the live tail, the reader of configurations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.process import ProcessView
from circus_stack.arbiter.sockets import SocketView
from circus_stack.config.schema import WatcherConfig
from circus_stack.states import WatcherState
from circus_stack.streams.block import LogLine


class Steering(Protocol):
    """The arbiter, as far as clients may steer it. Whatever takes a name raises UnknownWatcherError."""

    def names(self) -> tuple[str, ...]:
        """All watchers, in the order of their declaration."""

    def status(self, name: str) -> WatcherState:
        """The state of one watcher."""

    def statuses(self) -> dict[str, WatcherState]:
        """The state of each watcher."""

    def config(self, name: str) -> WatcherConfig:
        """The configuration that a watcher runs with."""

    def processes(self, name: str) -> tuple[ProcessView, ...]:
        """The processes of a watcher."""

    def wanted(self, name: str) -> int:
        """How many processes a watcher aims at."""

    def sockets(self) -> tuple[SocketView, ...]:
        """All listening sockets."""

    def start(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        """Start watchers."""

    def stop(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        """Stop watchers."""

    def restart(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        """Stop watchers, then start them."""

    def reload(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        """Let new processes take over from old ones."""

    def set_wanted(self, name: str, count: int) -> asyncio.Task[Outcome]:
        """Aim at another number of processes."""

    def kill(
        self, name: str, pid: int | None = None, signum: int | None = None, graceful_timeout: float | None = None
    ) -> asyncio.Task[Outcome]:
        """End processes; the watcher replaces them."""

    def send_signal(
        self,
        name: str,
        pid: int | None,
        signum: int,
        *,
        children: bool = False,
        recursive: bool = False,
        child_pid: int | None = None,
    ) -> None:
        """Send a signal now. With `child_pid` to that descendant of `pid` alone."""

    def request_quit(self) -> None:
        """Stop everything and end."""


class Tail(Protocol):
    """The live tail of what processes wrote."""

    def snapshot(
        self, watcher: str | None = None, pid: int | None = None, limit: int | None = None
    ) -> list[tuple[int, LogLine]]:
        """The last lines with their numbers, oldest first."""

    def subscribe(self, feed: Callable[[Sequence[tuple[int, LogLine]]], None]) -> Callable[[], None]:
        """Call `feed` with the lines to come; the result ends that."""


class Reconfigure(Protocol):
    """Reads the configuration again and applies what changed."""

    async def __call__(self, *, roll: bool, dry_run: bool) -> tuple[str, ...]:
        """The lines of the plan. Raises ConfigError or ReloadError; what served before still serves then."""
