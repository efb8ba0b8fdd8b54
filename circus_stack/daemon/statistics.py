"""One run of circusd-stats: its endpoints behind their guards, the sampler, the history, put together and run."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import zmq
from msgspec import Struct

from circus_stack.config.schema import CircusConfig
from circus_stack.control.router import Envelope, Router
from circus_stack.control.xpub import Xpub
from circus_stack.daemon.doorkeeper import Doorkeeper
from circus_stack.daemon.metrics import open_exporter, serve_metrics
from circus_stack.protocol.frames import is_sync, sync_frames
from circus_stack.protocol.rundir import RuntimePaths
from circus_stack.stats.aggregate import Totals
from circus_stack.stats.answers import Answers
from circus_stack.stats.census import Census
from circus_stack.stats.channel import Channel
from circus_stack.stats.collect.particulars import Register, boot_time
from circus_stack.stats.collect.proc_kin import ProcKin
from circus_stack.stats.collect.reading import Kin, Source
from circus_stack.stats.collect.sampler import Sampler
from circus_stack.stats.collect.slow import SlowFields, SlowFigures
from circus_stack.stats.collect.slow_files import read_slow
from circus_stack.stats.collect.stat_file import StatFiles
from circus_stack.stats.desk import Desk
from circus_stack.stats.follower import Follower
from circus_stack.stats.history.file import HistoryError, HistoryFile
from circus_stack.stats.history.processes import ProcessHistory
from circus_stack.stats.history.rings import PROCESSES, WATCHERS, Plan
from circus_stack.stats.metrics.asked import PageQuestions
from circus_stack.stats.metrics.figures import KnownFigures
from circus_stack.stats.serving import Serving
from circus_stack.stats.sockets.queues import QueueReader
from circus_stack.stats.sockets.traffic import Traffic
from circus_stack.stats.ticker import Ticker
from circus_stack.stats.wire import totals_fields
from circus_stack.system.group_figures import GroupReader
from circus_stack.system.memory import total_memory
from circus_stack.system.open_files import raise_open_files

log = logging.getLogger(__name__)

# Messages that one subscriber may be behind: some ticks of a thousand processes.
_QUEUE = 10_000
# A client may leave so many unread, each of up to 100 kB.
_REPLIES = 8
_LINGER_S = 0.2


class StatsSetting(Struct, frozen=True, kw_only=True):
    """What the command line says. `endpoint` and `pubsub_endpoint` are the arbiter's, the others are bound here."""

    endpoint: str
    pubsub_endpoint: str
    stats_endpoint: str
    query_endpoint: str | None
    interval_s: float
    state_dir: Path | None
    runtime_dir: Path
    keys_dir: str | None
    owner: str | None
    metrics: str | None = None
    metrics_token_file: str | None = None


async def run_statistics(setting: StatsSetting) -> None:
    """Sample, publish and answer until SIGTERM or SIGINT. Raises CircusStackError where an endpoint cannot be bound."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopping.set)
    raise_open_files()
    async with contextlib.AsyncExitStack() as teardown:
        run = _Run(setting, teardown)
        if setting.metrics:
            await serve_metrics(setting, run.known, teardown)
        tasks = [asyncio.create_task(run.follow()), asyncio.create_task(run.tick())]
        waiting = asyncio.create_task(stopping.wait())
        done, _ = await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, waiting):
            task.cancel()
        await asyncio.gather(*tasks, waiting, return_exceptions=True)
        for task in done - {waiting}:
            task.result()


class _Run:
    """Everything of one run; what it opens is closed by `teardown`."""

    def __init__(self, setting: StatsSetting, teardown: contextlib.AsyncExitStack) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = time.time()
        self._is_known = asyncio.Event()
        self._census = Census(setting.interval_s)
        self._open_endpoints(setting, teardown)
        source, kin, booted = _readers()
        self._history = _open_history(setting.state_dir, "stats.ring", WATCHERS, teardown)
        processes = _open_history(setting.state_dir, "processes.ring", PROCESSES, teardown)
        serving = Serving()
        self._processes = None if processes is None else ProcessHistory(processes, serving.details)
        queues, traffic = QueueReader(), Traffic()
        self._desk = Desk(
            census=self._census,
            sampler=Sampler(source, kin),
            register=Register(booted),
            channel=Channel(self._xpub),
            record=self._record,
            total_memory=total_memory(),
            serving=serving,
            slow=SlowFigures(slow_reader()),
            processes=self._processes,
            queues=lambda: traffic.measured(queues.read(self._follower.sockets), self._desk.serving.served),
        )
        self.ticker = Ticker(self._census, tick=self._desk.tick, tick_stack=self._desk.tick_stack)
        pages = PageQuestions(lambda: open_exporter(setting.endpoint, self.known))
        teardown.push_async_callback(pages.aclose)
        self._answers = Answers(
            snapshot=self._snapshot,
            read=self._history.read if self._history is not None else None,
            read_process=self._processes.read if self._processes is not None else None,
            names=self._history.names if self._history is not None else list,
            page=pages.ask,
        )
        self._follower = Follower(
            setting.endpoint, setting.pubsub_endpoint, self._census, own={os.getpid(): "circusd-stats"}
        )
        teardown.push_async_callback(self._follower.aclose)

    def _open_endpoints(self, setting: StatsSetting, teardown: contextlib.AsyncExitStack) -> None:
        context: zmq.Context[Any] = zmq.Context()
        # Not term(): that would wait for ever for a socket that an error left open.
        teardown.callback(context.destroy, 0)
        self._doors = Doorkeeper(self._loop, context, CircusConfig(keys_dir=setting.keys_dir))
        teardown.callback(self._doors.close)
        paths = RuntimePaths(setting.runtime_dir)
        self._xpub = Xpub(
            self._loop,
            context,
            setting.stats_endpoint,
            queue_length=_QUEUE,
            on_subscribe=self._answer_sync,
            owner=setting.owner,
            guard=self._doors.guard(paths.stats),
        )
        teardown.callback(self._xpub.close, _LINGER_S)
        self._doors.on_revoked.append(self._xpub.hang_up)
        self._loop.add_signal_handler(signal.SIGHUP, self._reread_keys)
        self._router: Router | None = None
        if setting.query_endpoint:
            self._router = Router(
                self._loop,
                context,
                setting.query_endpoint,
                self._receive,
                owner=setting.owner,
                guard=self._doors.guard(paths.stats_query),
                replies=_REPLIES,
            )
            teardown.callback(self._router.close, _LINGER_S)

    def _reread_keys(self) -> None:
        task = self._loop.create_task(self._doors.reread())
        task.add_done_callback(_tell_failure)

    def _answer_sync(self, prefix: bytes) -> None:
        topic = prefix.decode("utf-8", "replace")
        if is_sync(topic):
            self._xpub.send(sync_frames(topic, self.ticker.ticks))

    def _receive(self, envelope: Envelope, frames: list[bytes], key: str | None) -> None:
        # Whoever was let in may look; nothing here changes anything.
        del key
        if self._router is not None:
            self._answers.answer(frames, partial(self._router.send, envelope))

    async def follow(self) -> None:
        """Keep account of who runs."""
        await self._follower.run(self._joined)

    async def tick(self) -> None:
        """Sample. Not before it is known who runs: a sum over nobody would be told and remembered."""
        await self._is_known.wait()
        await self.ticker.run()

    def _joined(self) -> None:
        self._is_known.set()
        log.info("%d processes are sampled", len(set(self._census.all_pids())))
        self._desk.serving.open(self._follower.scoreboard)

    def _record(self, name: str, totals: Totals, now: float) -> None:
        if self._history is not None:
            values = (totals.cpu, totals.rss, totals.processes, totals.rps, totals.busy, totals.p99)
            self._history.write(name, values, now)

    def _snapshot(self) -> dict[str, Any]:
        """`watchers` {name: {the sums, `pids` {pid: the figures}}}, `total`, and how this program itself does."""
        now, totals = time.time(), self._desk.totals
        return {
            "watchers": {
                name: {
                    **totals_fields(totals[name], now),
                    "interval": row.interval_s,
                    "restarts": self._follower.tally.restarts(name),
                    "pids": {
                        str(pid): self._desk.fields(name, pid, each, now, None)
                        for pid, each in self._desk.newest.get(name, {}).items()
                    },
                }
                for name, row in self._census.rows.items()
                if name in totals
            },
            "total": totals_fields(totals.get("", Totals()), now),
            "sockets": self._desk.sockets,
            "ticks": self.ticker.ticks,
            "latest_s": self.ticker.latest_s,
            "began": self._began,
        }

    def known(self, status: Mapping[str, Any]) -> KnownFigures:
        """What a page of metrics is made of, beside the arbiter's status."""
        desk = self._desk
        return KnownFigures(
            status=status,
            tally=self._follower.tally,
            cpu_seconds=desk.meter.seconds,
            slow_counts=desk.slow_meter.counts,
            totals={name: totals_fields(each, 0.0) for name, each in desk.totals.items() if name},
            served=desk.serving.served,
            sockets=desk.sockets,
            ticks=self.ticker.ticks,
            latest_s=self.ticker.latest_s,
        )


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("the keys could not be read again: %s", task.exception())


def _readers() -> tuple[Source, Kin, float]:
    """How processes are read here, and when their starts count from."""
    if Path("/proc/self/stat").exists():
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return StatFiles(limit // 2), ProcKin(), boot_time()
    from circus_stack.stats.collect.portable import PsutilKin, PsutilSource

    return PsutilSource(), PsutilKin(), 0.0


def slow_reader() -> Callable[[int], SlowFields | None]:
    """What reads the figures of one process that are dear to read."""
    if not Path("/proc/self/stat").exists():
        from circus_stack.stats.collect.portable import read_slow_portably

        return read_slow_portably
    groups = GroupReader()

    def read(pid: int) -> SlowFields | None:
        found = read_slow(pid)
        return None if found is None else {**found, **groups.read(pid)}

    return read


def _open_history(
    state_dir: Path | None, name: str, plan: Plan, teardown: contextlib.AsyncExitStack
) -> HistoryFile | None:
    if state_dir is None:
        return None
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        history = HistoryFile(state_dir / name, plan)
    except (OSError, HistoryError) as error:
        # The figures of now are worth more than those of yesterday.
        log.warning("no history is kept: %s", error)
        return None
    teardown.callback(history.close)
    return history
