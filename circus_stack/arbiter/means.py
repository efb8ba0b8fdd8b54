"""What a keeper works with: its collaborators, handed in by the composition root, fakes in tests."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct, field

from circus_stack.arbiter.appointments import Appointments
from circus_stack.arbiter.control_groups import ControlGroups
from circus_stack.arbiter.gates import Gates
from circus_stack.arbiter.hooks import HookHost
from circus_stack.arbiter.kinship import Kinship
from circus_stack.arbiter.launch import Surroundings
from circus_stack.arbiter.posts import Posts
from circus_stack.arbiter.process import Process
from circus_stack.arbiter.pulse import Pulse
from circus_stack.arbiter.run_book import RunBook
from circus_stack.arbiter.start_gate import StartGate
from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import SpawnError
from circus_stack.events import Event
from circus_stack.system.memory import MemoryReader
from circus_stack.system.reaper import Reaper
from circus_stack.system.spawn import Child, SpawnPlan, spawn_all, watch_child


class Capture(Protocol):
    """The two pipes of one process, from before its spawn until their end of file."""

    @property
    def stdout_fd(self) -> int:
        """The child's end."""

    @property
    def stderr_fd(self) -> int:
        """The child's end."""

    def our_ends(self) -> Mapping[Literal["stdout", "stderr"], int]:
        """Our ends of its pipes."""

    def attach(self, pid: int) -> None:
        """The process runs: close the child's ends, begin to read."""

    def abandon(self) -> None:
        """There will be no process: close everything."""


# Each may be a program that is started: no more than a small machine can bear.
_PROBES_AT_ONCE = 16


class Notes(Protocol):
    """Where it is noted who is about to start: the arbiter may be killed before it knows their pids."""

    def note_starts(self, watcher: str, starts: Sequence[tuple[Process, Capture]]) -> None:
        """They are about to start; their pids are 0."""

    def note_started(self, token: str, pid: int) -> None:
        """It runs."""

    def note_no_start(self, token: str) -> None:
        """It did not start."""


class _NoNotes:
    """Nobody would read them."""

    def note_starts(self, watcher: str, starts: Sequence[tuple[Process, Capture]]) -> None:
        """Nothing."""

    def note_started(self, token: str, pid: int) -> None:
        """Nothing."""

    def note_no_start(self, token: str) -> None:
        """Nothing."""


def _ignore(_watcher: str, _wanted: int, _alive: Collection[int]) -> None:
    """There are no lanes."""


class Means(Struct, frozen=True):
    """Collaborators of all keepers of one arbiter. `clock` is monotonic, `epoch` is the time of day, both seconds;
    `draw` gives a number from 0 to 1 by chance; `hear` hands on what processes have said by now; `on_gone`
    is told when nothing is left of a watcher that was removed."""

    loop: asyncio.AbstractEventLoop
    reaper: Reaper
    kinship: Kinship
    pulse: Pulse
    open_capture: Callable[[WatcherConfig, int], Capture]
    publish: Callable[[Event], None]
    surroundings: Callable[[], Surroundings]
    spawn_all: Callable[[Sequence[SpawnPlan]], Sequence[Child | SpawnError]] = spawn_all
    # The pidfd of a child that another arbiter had started; raises ProcessLookupError for none.
    watch_child: Callable[[int], Child] = watch_child
    clock: Callable[[], float] = time.monotonic
    epoch: Callable[[], float] = time.time
    draw: Callable[[], float] = random.random
    hear: Callable[[], None] = lambda: None
    on_gone: Callable[[str], None] = lambda _watcher: None
    # A watcher wants so many processes, and has some in these lanes: sockets of others may go.
    settle_lanes: Callable[[str, int, Collection[int]], None] = _ignore
    appointments: Appointments = field(default_factory=Appointments)
    book: RunBook = field(default_factory=RunBook)
    hooks: HookHost = field(default_factory=HookHost)
    control_groups: ControlGroups = field(default_factory=ControlGroups)
    memory: MemoryReader = field(default_factory=MemoryReader)
    notes: Notes = field(default_factory=_NoNotes)
    posts: Posts = field(default_factory=Posts)
    # Those before the sockets of watchers with many workers.
    gates: Gates = field(default_factory=Gates)
    starts: StartGate = field(default_factory=StartGate)
    # So many health probes are under way at once, of all watchers together; the others wait for their turn.
    probes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PROBES_AT_ONCE))
