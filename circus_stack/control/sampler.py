"""Readings of processes off the loop: /proc may block (a process that maps memory holds up who reads its command
line), and the arbiter must not wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from circus_stack.errors import CommandError, Errno

if TYPE_CHECKING:
    from circus_stack.control.procinfo import ProcessTable

# A reading of a thousand processes takes half a second; one that takes longer than this hangs.
TIMEOUT_S = 5.0
# What stands in place of the figures of a process that is gone.
GONE = "No such process (stopped?)"

Info = dict[str, Any]
"""The figures of a process, by Circus's keys; ours beside them are plain numbers, or null where not readable."""
Sample = dict[int, Info | str]
_Job = Callable[[], None]


class Sampler:
    """One daemon thread, started at the first reading: it can hold up neither the loop nor the end of the program."""

    def __init__(self, table: ProcessTable | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._table = table
        self._timeout_s = timeout_s
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def sample(self, pids: Sequence[int], *, extended: bool = False, with_children: bool = True) -> Sample:
        """The figures of each pid. Raises CommandError if the system does not answer in time."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sample] = loop.create_future()
        self._start()
        read = partial(self._read, pids, extended=extended, with_children=with_children)
        self._jobs.put(partial(_work, loop, future, read))
        try:
            return await asyncio.wait_for(future, self._timeout_s)
        except TimeoutError:
            reason = f"the figures of {len(pids)} processes could not be read within {self._timeout_s:g} s"
            raise CommandError(reason, Errno.COMMAND_ERROR) from None

    def _read(self, pids: Sequence[int], *, extended: bool, with_children: bool) -> Sample:
        if self._table is None:
            # Here, in the thread: psutil takes its time to import, and a stack that nobody asks never needs it.
            from circus_stack.control.procinfo import ProcessTable

            self._table = ProcessTable()
        return self._table.sample(pids, extended=extended, with_children=with_children)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="circus-sampler", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def close(self) -> None:
        """Let the thread end after the reading that it is at."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread = None


def _work(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Sample], read: Callable[[], Sample]) -> None:
    if future.cancelled():
        return
    try:
        result: Sample | Exception = read()
    except Exception as error:
        result = error
    # The loop may have ended meanwhile: nobody waits for the figures then.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_settle, future, result)


def _settle(future: asyncio.Future[Sample], result: Sample | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
