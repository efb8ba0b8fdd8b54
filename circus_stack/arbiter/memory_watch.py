"""Looks at the memory of one watcher's processes, where it has a limit: who is over it is replaced, who is far over it
is killed. One timer between two looks; the reading itself is done beside the loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from circus_stack.arbiter.ages import RETRY_S, Ages
from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.hook_threads import ThreadedCall
from circus_stack.arbiter.process import Process
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import MemorySize
from circus_stack.events import MemoryExceeded
from circus_stack.states import ProcessState
from circus_stack.system.memory import MemoryReader, Usage, total_memory

log = logging.getLogger(__name__)

# A look at a thousand processes takes some 30 ms. /proc may block, on a process that maps memory: one that takes longer
# than this is given up, and the next one is due as ever.
_LOOK_S = 10.0


class _Reading:
    """One look, taken in a thread: what the processes use, and the limits as bytes of this machine; None: no such."""

    def __init__(self, config: WatcherConfig, pids: tuple[int, ...], reader: MemoryReader, asked_at: float) -> None:
        self._config = config
        self._pids = pids
        self._reader = reader
        self.asked_at = asked_at
        self.soft: int | None = None
        self.hard: int | None = None
        self.found: dict[int, Usage] = {}

    def take(self) -> None:
        """May block for a while."""
        config = self._config
        self.soft, self.hard = _bytes_of(config.max_memory), _bytes_of(config.max_memory_hard)
        lowest = min((each for each in (self.soft, self.hard) if each is not None), default=None)
        self.found = self._reader.read(self._pids, pss_above=lowest if config.max_memory_kind == "pss" else None)


def _bytes_of(size: MemorySize | None) -> int | None:
    return None if size is None else size.bytes_of(total_memory)


class MemoryWatch:
    """`kill(pid)` ends a process, and all that descends from it, at once."""

    def __init__(self, charge: Charge, ages: Ages, kill: Callable[[int], None]) -> None:
        self._charge = charge
        self._ages = ages
        self._kill = kill
        self._timer: asyncio.TimerHandle | None = None
        self._interval_s = 0.0
        self._look: ThreadedCall | None = None
        # Whether it was said already that a kind of figure cannot be had.
        self._has_warned = False

    def schedule(self) -> None:
        """See to it that the next look comes, if there is anything to look at."""
        config = self._charge.config
        if config.max_memory is None and config.max_memory_hard is None:
            self.cancel()
            return
        if self._timer is not None and self._interval_s != config.max_memory_interval:
            self.cancel()
        if self._timer is None and self._look is None and self._charge.watcher.processes:
            self._interval_s = config.max_memory_interval
            self._timer = self._charge.means.loop.call_later(self._interval_s, self._begin)

    def cancel(self) -> None:
        """Look no more. What is being read now changes nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._look = None

    def _begin(self) -> None:
        self._timer = None
        charge = self._charge
        pids = tuple(each.pid for each in charge.watcher.processes.values() if not each.is_lingering)
        reading = _Reading(charge.config, pids, charge.means.memory, charge.means.clock())
        look = self._look = ThreadedCall(charge.means.loop, f"the memory of {charge.name}", reading.take, _LOOK_S)
        look.verdict.add_done_callback(lambda done: self._looked(look, reading, done.result().error))

    def _looked(self, look: ThreadedCall, reading: _Reading, error: BaseException | None) -> None:
        # Cancelled meanwhile.
        if self._look is not look:
            return
        self._look = None
        if error is not None:
            log.warning("the memory of %s could not be read: %s", self._charge.name, error)
        else:
            self._judge_all(reading)
        self.schedule()

    def _judge_all(self, reading: _Reading) -> None:
        processes = self._charge.watcher.processes
        for pid, usage in reading.found.items():
            process = processes.get(pid)
            # Its number may be another one's by now.
            if process is not None and process.spawned_at <= reading.asked_at and not process.is_lingering:
                self._judge(process, usage, reading)
        hidden = next((each.hidden for each in reading.found.values() if each.hidden), "")
        if hidden and not self._has_warned:
            self._has_warned = True
            log.warning("max_memory_kind = pss of %s: %s; rss counts instead", self._charge.name, hidden)

    def _judge(self, process: Process, usage: Usage, limits: _Reading) -> None:
        # One that was taken over may have run for long before it is looked at here.
        is_first = process.memory is None and self._charge.means.clock() < process.spawned_at + RETRY_S
        if process.state is not ProcessState.STARTING:
            process.memory, process.memory_kind = usage.bytes, usage.kind
        if limits.hard is not None and usage.bytes > limits.hard:
            self._tell(process, usage, limits.hard, killed=True)
            self._kill(process.pid)
        elif limits.soft is not None and usage.bytes > limits.soft and self._is_to_go(process):
            self._tell(process, usage, limits.soft, killed=False)
            self._ages.hasten(process.pid, "memory", self._respite_s(process, usage, limits.soft) if is_first else 0.0)

    def _is_to_go(self, process: Process) -> bool:
        return process.state is ProcessState.READY and not process.outlived

    def _respite_s(self, process: Process, usage: Usage, limit: int) -> float:
        """How long a process that was over the limit from its start may go on: its successor will be, too."""
        log.warning(
            "%s uses %d bytes when it has just started: max_memory (%d bytes) is too low; one process is replaced in "
            "%g s at most",
            *(self._charge.label(process), usage.bytes, limit, RETRY_S),
        )
        return max(0.0, process.spawned_at + RETRY_S - self._charge.means.clock())

    def _tell(self, process: Process, usage: Usage, limit: int, *, killed: bool) -> None:
        self._charge.publish(
            MemoryExceeded(
                watcher=self._charge.name,
                time=self._charge.epoch(),
                process_pid=process.pid,
                wid=process.wid,
                bytes=usage.bytes,
                kind=usage.kind,
                limit=limit,
                killed=killed,
            )
        )
