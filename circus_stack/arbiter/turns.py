"""Whose turn it is with one watcher: operations wait for theirs in order, and a stop overtakes them all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.hooks import OF_A_START
from circus_stack.arbiter.jobs import note_begun
from circus_stack.errors import Errno, OvertakenError


class Turns:
    """One operation at a time has the watcher; each can tell whether it has been overtaken since it was asked for."""

    def __init__(self, charge: Charge) -> None:
        self._charge = charge
        self._lock = asyncio.Lock()
        self._interrupts = 0
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether nothing may go on any more but a stop."""
        return self._is_closed

    @property
    def is_taken(self) -> bool:
        """Whether an operation has the watcher now."""
        return self._lock.locked()

    @property
    def interrupts(self) -> int:
        """Grows whenever an operation overtakes those that were asked for before it."""
        return self._interrupts

    def interrupt(self) -> int:
        """Overtake whatever waits, for its turn or for a condition; the number to `check` against from here on."""
        self._interrupts += 1
        self._charge.hooks.hurry(OF_A_START)
        self._charge.means.pulse.beat()
        return self._interrupts

    def close(self) -> None:
        """Let no operation begin or go on but a stop: the end of this watcher."""
        self._is_closed = True
        self.interrupt()

    def check(self, asked: int) -> None:
        """Raise OvertakenError if an operation that was asked for at `asked` interrupts has been overtaken since."""
        if self._is_closed or self._interrupts != asked:
            name = self._charge.name
            raise OvertakenError(f"the operation on {name} was overtaken by a stop", Errno.COMMAND_ERROR)

    @contextlib.asynccontextmanager
    async def take(self, asked: int | None = None) -> AsyncIterator[None]:
        """Have the watcher to oneself; raises OvertakenError if overtaken while waiting for it."""
        asked = self._interrupts if asked is None else asked
        async with self._lock:
            self.check(asked)
            note_begun(self._charge.means.epoch())
            yield

    @contextlib.asynccontextmanager
    async def take_last(self) -> AsyncIterator[None]:
        """Have the watcher to oneself for a stop: overtakes everything, and is overtaken by nothing."""
        self.interrupt()
        async with self._lock:
            note_begun(self._charge.means.epoch())
            yield

    @contextlib.asynccontextmanager
    async def take_quietly(self) -> AsyncIterator[None]:
        """Have the watcher to oneself to end what has begun to end: overtakes nobody, and is overtaken by nothing."""
        async with self._lock:
            yield

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition over the watcher; raises OvertakenError if the operation is overtaken meanwhile."""
        asked = self._interrupts
        pulse = self._charge.means.pulse
        await pulse.wait_until(lambda: self._is_closed or self._interrupts != asked or condition())
        self.check(asked)

    async def wait_gone(self, pids: frozenset[int]) -> None:
        """Wait until none of these processes, nor any member of their groups, is left; not to be overtaken."""
        charge = self._charge
        await charge.means.pulse.wait_until(lambda: pids.isdisjoint(charge.watcher.processes))
