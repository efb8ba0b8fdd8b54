"""An arbiter that only records what it was asked for: what control steers, where the steering itself is tested."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from circus_stack.arbiter.condition import Condition
from circus_stack.arbiter.jobs import JobBook
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.process import ProcessView
from circus_stack.arbiter.runs import Run, RunResult
from circus_stack.arbiter.scale_order import ScaleOrder
from circus_stack.arbiter.scheduling import ScheduleView
from circus_stack.arbiter.sockets import SocketView
from circus_stack.arbiter.zygote import ZygoteView
from circus_stack.config.schema import CircusConfig, SourceKind, StackConfig, WatcherConfig
from circus_stack.errors import CommandError, UnknownWatcherError
from circus_stack.states import ProcessState, WatcherState

DONE = Outcome(started=(21, 22), stopped=(11, 12), kept=(13,))


def view(pid: int, wid: int = 1) -> ProcessView:
    return ProcessView(pid, wid, 1, ProcessState.READY, started_at=100.0, ready_at=100.5)


class FakeArbiter:
    """Two watchers: `web` with two processes, and the singleton `Big One`. `calls` are the operations it was asked for.

    `work` is what an operation awaits before it is done.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, Outcome]] | None = None) -> None:
        self.configs = {
            "web": WatcherConfig(name="web", cmd="chaussette app", numprocesses=2, extra={"flapping.window": "3"}),
            "Big One": WatcherConfig(name="Big One", cmd="redis-server", singleton=True, uid="33", env={"A": "b"}),
        }
        self.pids: dict[str, list[ProcessView]] = {"web": [view(12, 2), view(11)], "Big One": [view(31)]}
        self.targets = {"web": 2, "Big One": 1}
        self.calls: list[tuple[Any, ...]] = []
        self._work = work or self._at_once
        self.jobs = JobBook(lambda: 50.0)
        self.conditions: dict[str, Condition] = {}
        self.forked_from: dict[str, tuple[ZygoteView, ...]] = {}
        self.is_reconfiguring = False
        self.reconfigured = asyncio.Event()

    async def _at_once(self) -> Outcome:
        return DONE

    def _task(self, *call: Any) -> asyncio.Task[Outcome]:
        self.calls.append(call)
        return self.jobs.start(asyncio.get_running_loop(), call[0], (), self._work())

    @property
    def stack(self) -> StackConfig:
        return StackConfig(source="x.ini", kind=SourceKind.CIRCUS, circus=CircusConfig())

    def running(self) -> StackConfig:
        return dataclasses.replace(self.stack, watchers=tuple(self.configs.values()))

    async def wait_reconfigured(self) -> None:
        await self.reconfigured.wait()

    def add_watcher(self, config: WatcherConfig) -> None:
        self.calls.append(("add_watcher", config))
        self.configs[config.name] = config

    def remove_watcher(self, name: str, *, stop: bool) -> asyncio.Task[Outcome]:
        return self._task("remove_watcher", self._name(name), stop)

    def set_config(
        self, name: str, config: WatcherConfig, *, seen: WatcherConfig | None = None
    ) -> asyncio.Task[Outcome]:
        return self._task("set_config", self._name(name), config)

    async def extend_stats(self, name: str, pid: int, stats: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**stats, "by_hook": pid}

    def condition(self, name: str) -> Condition:
        return self.conditions.get(self._name(name), Condition())

    def is_armed(self, name: str) -> bool:
        return name == "Big One"

    def schedule(self, name: str) -> ScheduleView | None:
        return ScheduleView("@daily", "UTC", 86400.0) if name == "Big One" else None

    def last_run(self, name: str) -> Run | None:
        return Run(100.0, RunResult.COMPLETED, 103.0, 3.0, 0) if name == "Big One" else None

    def _name(self, name: str) -> str:
        for each in self.configs:
            if each.lower() == name.lower():
                return each
        raise UnknownWatcherError(name)

    def names(self) -> tuple[str, ...]:
        return tuple(self.configs)

    def zygotes(self, name: str) -> tuple[ZygoteView, ...]:
        return self.forked_from.get(self._name(name), ())

    def status(self, name: str) -> WatcherState:
        return self.statuses()[self._name(name)]

    def statuses(self) -> dict[str, WatcherState]:
        return {"web": WatcherState.ACTIVE, "Big One": WatcherState.STOPPED}

    def config(self, name: str) -> WatcherConfig:
        return self.configs[self._name(name)]

    def processes(self, name: str) -> tuple[ProcessView, ...]:
        return tuple(self.pids[self._name(name)])

    def wanted(self, name: str) -> int:
        return self.targets[self._name(name)]

    def sockets(self) -> tuple[SocketView, ...]:
        return (
            SocketView("web", 7, "127.0.0.1", 8080, None, 2048, "AF_INET"),
            SocketView("un", 6, "", 0, "/run/un.sock", 100, "AF_UNIX"),
        )

    def start(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        return self._task("start", names)

    def stop(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        return self._task("stop", names)

    def restart(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        return self._task("restart", names)

    def reload(self, names: Sequence[str] | None = None, *, sequential: bool = False) -> asyncio.Task[Outcome]:
        return self._task("reload", names, "sequential") if sequential else self._task("reload", names)

    def set_wanted(self, name: str, count: int) -> asyncio.Task[Outcome]:
        self.targets[self._name(name)] = count
        return self._task("set_wanted", self._name(name), count)

    def change_wanted(self, name: str, difference: int, *, least: int = 0) -> asyncio.Task[Outcome]:
        name = self._name(name)
        self.targets[name] = max(least, self.targets[name] + difference)
        return self._task("change_wanted", name, difference)

    def scale(self, name: str, order: ScaleOrder) -> asyncio.Task[Outcome]:
        if not order.is_dry_run:
            self.targets[self._name(name)] = order.number
        return self._task("scale", self._name(name), order)

    def kill(
        self, name: str, pid: int | None = None, signum: int | None = None, graceful_timeout: float | None = None
    ) -> asyncio.Task[Outcome]:
        return self._task("kill", self._name(name), pid, signum, graceful_timeout)

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
        if pid is not None and pid not in {each.pid for each in self.processes(name)}:
            raise CommandError(f"process {pid} not found in {name}")
        self.calls.append(("send_signal", self._name(name), pid, signum, children, recursive, child_pid))

    def request_quit(self) -> None:
        self.calls.append(("request_quit",))
