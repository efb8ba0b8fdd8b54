"""What control needs of its collaborators, as protocols: the arbiter, the live tail, the reader of configurations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from circus_stack.arbiter.condition import Condition
from circus_stack.arbiter.jobs import JobBook
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.process import ProcessView
from circus_stack.arbiter.runs import Run
from circus_stack.arbiter.scale_order import ScaleOrder
from circus_stack.arbiter.scheduling import ScheduleView
from circus_stack.arbiter.sockets import SocketView
from circus_stack.arbiter.zygote import ZygoteView
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.states import WatcherState
from circus_stack.streams.block import Block, LogLine


class Steering(Protocol):
    """The arbiter, as far as clients may steer it. Whatever takes a name raises UnknownWatcherError."""

    @property
    def stack(self) -> StackConfig:
        """What the file said when it was read last."""

    @property
    def jobs(self) -> JobBook:
        """What it was asked to do."""

    @property
    def is_reconfiguring(self) -> bool:
        """Whether the whole configuration is changing."""

    async def wait_reconfigured(self) -> None:
        """Wait for the end of that."""

    def running(self) -> StackConfig:
        """What holds now."""

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

    def zygotes(self, name: str) -> tuple[ZygoteView, ...]:
        """What its processes are forked from."""

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

    def reload(self, names: Sequence[str] | None = None, *, sequential: bool = False) -> asyncio.Task[Outcome]:
        """Let new processes take over from old ones."""

    def add_watcher(self, config: WatcherConfig) -> None:
        """Have one more watcher, stopped."""

    def remove_watcher(self, name: str, *, stop: bool) -> asyncio.Task[Outcome]:
        """Have a watcher no longer."""

    def set_config(
        self, name: str, config: WatcherConfig, *, seen: WatcherConfig | None = None
    ) -> asyncio.Task[Outcome]:
        """Change a watcher's options, all or nothing."""

    def extend_stats(self, name: str, pid: int, stats: Mapping[str, Any]) -> Awaitable[Mapping[str, Any]]:
        """Figures of a process, with what a hook adds."""

    def is_armed(self, name: str) -> bool:
        """Whether a stopped watcher waits for activity on its sockets."""

    def condition(self, name: str) -> Condition:
        """What a watcher's state alone doesn't tell."""

    def last_run(self, name: str) -> Run | None:
        """The last run of a watcher whose processes run to their end."""

    def schedule(self, name: str) -> ScheduleView | None:
        """When a watcher is due."""

    def change_wanted(self, name: str, difference: int) -> asyncio.Task[Outcome]:
        """Aim at so many processes more or fewer, 0 at least."""

    def scale(self, name: str, order: ScaleOrder) -> asyncio.Task[Outcome]:
        """Aim at a number of processes, for a reason that is told."""

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
        self,
        watcher: str | None = None,
        pid: int | None = None,
        limit: int | None = None,
        stream: str | None = None,
    ) -> list[tuple[int, LogLine]]:
        """The last lines with their numbers, oldest first."""

    def subscribe(self, feed: Callable[[int, Block], None]) -> Callable[[], None]:
        """Call `feed` with each block to come and the number of its first line; the result ends that."""


class Reconfigure(Protocol):
    """Reads the configuration again and applies what changed."""

    async def __call__(self, *, roll: bool, dry_run: bool) -> tuple[str, ...]:
        """The lines of the plan. Raises ConfigError or ReloadError; what served before still serves then."""
