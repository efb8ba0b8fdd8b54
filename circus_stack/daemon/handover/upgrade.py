"""An upgrade in place, step by step: rehearsed, at rest, executed. Up to the exec all of it can be taken back.

What is handed over is read in one turn of the loop with the exec, so that nothing can happen in between: what dies
meanwhile stays a zombie, what is written stays in its pipe, who connects stays in the queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from circus_stack import __version__
from circus_stack.arbiter.handover.restoring import UPGRADE
from circus_stack.daemon.handover.program import Program
from circus_stack.daemon.handover.record import encode_handover
from circus_stack.daemon.handover.rehearsal import rehearse
from circus_stack.daemon.handover.state import Whole
from circus_stack.errors import CircusStackError, CommandError, Errno, HandoverError
from circus_stack.system.descent import signal_group
from circus_stack.system.reaper import Reaper
from circus_stack.system.reexec import VARIABLE, Handover, execute, write_memory
from circus_stack.system.signals import hold_signals, release_signals

log = logging.getLogger(__name__)

# How long a rehearsal may take, where nobody says otherwise: `protocol.commands` has the same.
TIMEOUT_S = 60.0
# How long an upgrade waits for operations that change something, before it is refused.
_PATIENCE_S = 30.0
# How long it waits for those that only wait themselves: for processes to serve, which may never be.
_COURTESY_S = 5.0
# How long what was read has to be written.
_WRITE_S = 10.0
# Between two looks at what is under way: only while an upgrade waits for it.
_PAUSE_S = 0.02
# An operation may be between two steps with nothing to show for it, for a few turns of the loop.
_QUIET_TURNS = 100


class Upgrade:
    """The upgrades of one arbiter, one at a time. `close_control` answers whoever waits and closes the endpoints,
    `open_control` takes that back; `is_configuring`: files are being read or written."""

    def __init__(
        self,
        whole: Whole,
        reaper: Reaper,
        *,
        close_control: Callable[[], Awaitable[None]],
        open_control: Callable[[], Awaitable[None]],
        is_configuring: Callable[[], bool],
    ) -> None:
        self._whole = whole
        self._arbiter = whole.arbiter
        self._streams = whole.streams
        self._reaper = reaper
        self._close_control = close_control
        self._open_control = open_control
        self._is_configuring = is_configuring
        self._is_under_way = False

    def on_signal(self) -> None:
        """SIGUSR2: the same as the command; what becomes of it is told in the log, by the job and by events."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(CircusStackError):
            task = self._arbiter.jobs.start(loop, UPGRADE, (), self.run(TIMEOUT_S, lambda _what: None))
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    async def run(self, timeout_s: float, on_prepared: Callable[[Mapping[str, Any]], None]) -> None:
        """Rehearse for `timeout_s` seconds at most, come to rest, tell `on_prepared` what is about to be, and execute:
        where that succeeds, this never returns. Raises CircusStackError, and everything goes on as before."""
        program = self._whole.setting.program
        if program is None:
            raise CommandError(
                "this arbiter runs inside another program: it cannot be upgraded in place", Errno.COMMAND_ERROR
            )
        if self._is_under_way:
            raise CommandError("an upgrade is under way already", Errno.COMMAND_ERROR)
        self._is_under_way = True
        try:
            await self._run(program, timeout_s, on_prepared)
        except CircusStackError as error:
            log.error("not upgraded, everything goes on as before: %s", error)
            raise
        finally:
            self._is_under_way = False

    async def _run(self, program: Program, timeout_s: float, on_prepared: Callable[[Mapping[str, Any]], None]) -> None:
        self._check_end()
        version = await self._rehearse(program, timeout_s)
        await self._come_to_rest(_PATIENCE_S)
        try:
            on_prepared({"old_version": __version__, "version": version, "pids": sorted(self._pids())})
            await self._close_control()
            try:
                # A signal, or a connection that starts a watcher, may have come between.
                await self._come_to_rest(_COURTESY_S)
                self._execute(program)
            finally:
                await self._open_control()
        finally:
            self._streams.wake()

    def _pids(self) -> list[int]:
        names = self._arbiter.names()
        return [each.pid for name in names for each in self._arbiter.processes(name)]

    async def _rehearse(self, program: Program, timeout_s: float) -> str:
        record = self._whole.state()
        data, fds = encode_handover(record), sorted(record.fds())
        return await rehearse(self._reaper, program.command, program.environ, data, fds, timeout_s)

    # -- coming to rest -----------------------------------------------------------------------------------------

    async def _come_to_rest(self, patience_s: float) -> None:
        """Wait until no operation is under way and all that was read is written. Raises HandoverError, awake again."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_s
        await self._wait_for_jobs(min(_COURTESY_S, patience_s))
        while True:
            await self._wait_quiet(deadline)
            late = await self._streams.rest(_WRITE_S)
            if late:
                self._streams.wake()
                raise HandoverError(f"what was read could not be written within {_WRITE_S:g} s to {', '.join(late)}")
            if not self._under_way():
                return
            # Something began while the last lines were written: nothing needs to stand still until it has ended.
            self._streams.wake()

    async def _wait_for_jobs(self, patience_s: float) -> None:
        """Let what was asked for end by itself, if it soon does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._arbiter.jobs.wait_ended(but=UPGRADE)

    async def _wait_quiet(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        quiet = 0
        while quiet < _QUIET_TURNS:
            self._check_end()
            found = self._under_way()
            if not found:
                quiet += 1
                await asyncio.sleep(0)
                continue
            quiet = 0
            if loop.time() >= deadline:
                raise HandoverError(f"cannot upgrade while something is under way: {'; '.join(found)}{self._jobs()}")
            await asyncio.sleep(_PAUSE_S)

    def _under_way(self) -> tuple[str, ...]:
        found = self._arbiter.under_way()
        return (*found, "the configuration is being read or written") if self._is_configuring() else found

    def _others(self) -> list[str]:
        """Jobs beside the upgrade."""
        jobs = self._arbiter.jobs.unfinished
        return [f"{each.id} ({each.command})" for each in jobs if each.command != UPGRADE]

    def _jobs(self) -> str:
        others = self._others()
        return f"; jobs: {', '.join(others)}" if others else ""

    def _check_end(self) -> None:
        if self._arbiter.is_quitting:
            raise CommandError("the arbiter is about to quit", Errno.COMMAND_ERROR)

    # -- the exec -----------------------------------------------------------------------------------------------

    def _execute(self, program: Program) -> None:
        """Blocks the loop, and ends this program. Raises HandoverError, with nothing changed."""
        self._streams.report_drops()
        record = self._whole.state()
        data, fds = encode_handover(record), record.fds()
        log.info("upgrade: %s is executed anew", " ".join(program.command))
        if not program.flush(_COURTESY_S):
            raise HandoverError("the arbiter's own output takes nothing: is its terminal stopped?")
        for pid in self._reaper.watched.difference(record.arbiter.pids(), self._whole.aides()):
            # A probe whose answer nobody would hear.
            signal_group(pid, signal.SIGKILL)
        hold_signals()
        try:
            memory_fd = write_memory(data)
            try:
                environ = {**program.environ, VARIABLE: Handover(memory_fd).text()}
                execute(program.command, environ, [*fds, memory_fd])
            finally:
                os.close(memory_fd)
        except OSError as error:
            raise HandoverError(f"cannot execute {program.command[0]}: {error.strerror}") from error
        finally:
            release_signals()
