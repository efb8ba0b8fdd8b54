"""What the arbiter was asked to do: each operation's number, how far it is, how it ended. Bounded; nothing runs here.

An operation is a job from the moment it was asked for. What it asks for in its turn (a reload of the configuration
restarts a service) belongs to it and is no job of its own.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from circus_stack.errors import CommandError, Errno

T = TypeVar("T")

# Unfinished operations: who asks without end must not fill the memory.
MAX_UNFINISHED = 1000
# Finished ones that are remembered.
REMEMBERED = 100


class JobState(StrEnum):
    """How far an operation is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Struct):
    """One operation. Times are seconds since the epoch; `error` is the reason of a failure; no watcher means all."""

    id: str
    command: str
    watchers: tuple[str, ...]
    asked: float
    state: JobState = JobState.QUEUED
    started: float | None = None
    ended: float | None = None
    error: str | None = None


_current: contextvars.ContextVar[Job | None] = contextvars.ContextVar("job", default=None)


def note_begun(now: float) -> None:
    """The operation that runs here has got its turn: it waits no longer."""
    job = _current.get()
    if job is not None and job.state is JobState.QUEUED:
        job.state, job.started = JobState.RUNNING, now


class JobBook:
    """All jobs of one arbiter. `on_failure` hears of each that failed."""

    def __init__(self, epoch: Callable[[], float], on_failure: Callable[[Job], None] = lambda _job: None) -> None:
        self._epoch = epoch
        self._on_failure = on_failure
        self._last_id = 0
        self._tasks: dict[asyncio.Task[Any], Job] = {}
        self._ended: deque[Job] = deque(maxlen=REMEMBERED)

    def jobs(self) -> tuple[Job, ...]:
        """Copies, oldest first: the last finished ones, then what is under way."""
        return tuple(replace(job) for job in (*self._ended, *self._tasks.values()))

    @property
    def unfinished(self) -> tuple[Job, ...]:
        """Copies of those that are under way, oldest first."""
        return tuple(replace(job) for job in self._tasks.values())

    async def wait_ended(self, but: str) -> None:
        """Wait until all that is under way now has ended, except jobs of the command `but`."""
        tasks = [task for task, job in self._tasks.items() if job.command != but]
        if tasks:
            await asyncio.wait(tasks)

    def last_id(self) -> int:
        """The number of the newest job."""
        return self._last_id

    def restore(self, last_id: int, ended: Iterable[Job]) -> None:
        """Go on where another book was, whose jobs have all ended."""
        self._last_id = last_id
        self._ended.extend(replace(job) for job in ended)

    def id_of(self, task: asyncio.Task[Any]) -> str | None:
        """The id of the job that a task carries out; None for a part of another, and for one that has ended."""
        job = self._tasks.get(task)
        return None if job is None else job.id

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        command: str,
        watchers: tuple[str, ...],
        operation: Coroutine[Any, Any, T],
    ) -> asyncio.Task[T]:
        """Make a task of an operation, and a job of it unless it is part of one. Raises CommandError where too much is
        under way already; the operation is closed then."""
        if _current.get() is not None:
            return loop.create_task(operation)
        if len(self._tasks) >= MAX_UNFINISHED:
            operation.close()
            reason = f"{MAX_UNFINISHED} operations are under way already: try again later"
            raise CommandError(reason, Errno.COMMAND_ERROR)
        self._last_id += 1
        job = Job(str(self._last_id), command, watchers, self._epoch())
        context = contextvars.copy_context()
        context.run(_current.set, job)
        task = loop.create_task(operation, context=context)
        self._tasks[task] = job
        task.add_done_callback(partial(self._end, job))
        return task

    def _end(self, job: Job, task: asyncio.Task[Any]) -> None:
        del self._tasks[task]
        job.ended = self._epoch()
        job.started = job.started or job.ended
        error = "it was cancelled" if task.cancelled() else task.exception()
        job.state = JobState.DONE if error is None else JobState.FAILED
        job.error = None if error is None else str(error) or repr(error)
        self._ended.append(job)
        if error is not None:
            self._on_failure(job)
