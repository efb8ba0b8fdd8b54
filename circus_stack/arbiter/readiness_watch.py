"""Waiting for processes to be ready: a deadline for each, and a probe where the process doesn't say it itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from circus_stack.arbiter import readiness
from circus_stack.arbiter.deadlines import Deadlines
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.probe import RunCommand
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Readiness, ReadinessForm
from circus_stack.system.command import run_command


class ReadinessWatch:
    """Tells `on_ready(pid)` when a probe has succeeded, `on_timeout(pid)` when the time has run out."""

    def __init__(self, means: Means, on_ready: Callable[[int], None], on_timeout: Callable[[int], None]) -> None:
        self._means = means
        self._on_ready = on_ready
        self._on_timeout = on_timeout
        self._deadlines = Deadlines(means.loop)
        self._probes: dict[int, asyncio.Task[None]] = {}

    @property
    def pending(self) -> int:
        """How many processes are waited for."""
        return len(self._deadlines)

    def ready_by(self, pid: int) -> float | None:
        """When a process counts as failed unless it is ready, by the loop's clock; None where nobody waits for it."""
        return self._deadlines.at(pid)

    def expect(
        self,
        pid: int,
        config: WatcherConfig,
        env: Mapping[str, str],
        cwd: str | None,
        *,
        timeout_s: float | None = None,
    ) -> None:
        """Begin to wait for a process; without a readiness it is ready at once. `timeout_s`: what is left of its time,
        where it has begun before."""
        if config.ready.form is ReadinessForm.NONE:
            self._on_ready(pid)
            return
        self._means.starts.enter(pid)
        self._deadlines.set(pid, config.ready_timeout if timeout_s is None else timeout_s, self._on_timeout)
        if config.ready.form is not ReadinessForm.NOTIFY:
            run = partial(run_command, self._means.reaper, env=env, cwd=cwd)
            self._probes[pid] = self._means.loop.create_task(self._probe(pid, config.ready, run))

    def forget(self, pid: int) -> None:
        """The process is ready, on its way out, or gone: ask no more."""
        self._deadlines.cancel(pid)
        self._means.starts.leave(pid)
        probe = self._probes.pop(pid, None)
        if probe is not None:
            probe.cancel()

    async def _probe(self, pid: int, ready: Readiness, run: RunCommand) -> None:
        await readiness.wait_ready(ready, run)
        # Gone from the table, it can't cancel itself; gone already, it was cancelled as it ended.
        if self._probes.pop(pid, None) is not None:
            self._on_ready(pid)
