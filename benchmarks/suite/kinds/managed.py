"""One process manager that runs, and what is measured of it."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil
from msgspec import Struct

from circus_stack.errors import CircusStackError

from ...contestants import start
from ..ending import ended
from ..managers import statsd
from ..managers.manager import BURN, DEAF, LOAD, MANY, TOLD, TOLD_COUNT, Control, ControlError, Manager, Site
from ..server import tail
from ..statistics import median, quantile
from ..usage import ran_s
from .told import Told

LINE_BYTES = 100
_PATIENCE_S = 60.0
_DYING_S = 5.0
# Of all, and as often stopped; the middle one counts.
STARTS = 3
# After a start: what a manager still has to do for it.
_SETTLING_S = 1.0
# A process that is killed has run for so long, so that no manager takes it for one that fails at once.
_GROWN_S = 1.5
# Statistics look at all that is new more closely first, some at a time; who joins is told of all at once.
_LOOKED_AT_A_SECOND = 100
_JOINING_S = 3.0
_ASKS = 200
_BREATH_S = 0.02
# Circus looks after its processes each 5 s, its default: a shorter span holds none of these looks, or one too many.
IDLE_LEAST_S = 5.0
# Who needs more than this for a successor looks now and then, Circus each 5 s. Kills in a row would all come just after
# such a look, and show the longest time only: these pauses spread them over the span between two looks.
_LOOKS_MS = 100.0
_SPREAD_S = (1.25, 3.75, 2.5)
# Between two questions beside a stop: 200 a second.
_PAUSE_S = 0.005
# What is told first of a process is an average since its start, and a start burns what it likes.
_BURNT_IN_S = 3.0


class Spans(Struct, frozen=True):
    """How long is looked, in seconds. `deaf_s`: how long a stop waits before it kills; `kills_s`: kills end then, but
    for three; `reading_s`: for each number of clients."""

    idle_s: float
    deaf_s: float
    kills_s: float
    log_bytes: int
    reading_s: float


@contextlib.contextmanager
def running(manager: Manager, site: Site, argv: Sequence[str], environ: Mapping[str, str]) -> Iterator[Managed]:
    """It answers, and its TOLD run, until the block ends. ControlError where they do not."""
    site.write_programs()
    told = Told(site.fifo)
    log = site.home / "said"
    try:
        with (
            start(argv, site.home, log, environ=environ) as process,
            ended(process, site.home),
            _explained(process, log),
            _connected(manager, site, process) as control,
        ):
            for _ in range(TOLD_COUNT):
                if told.next_pid(_PATIENCE_S) is None:
                    raise ControlError(f"its processes do not run:\n{tail(log)}")
            yield Managed(site, process.pid, control, told)
    finally:
        told.close()


@contextlib.contextmanager
def _explained(process: subprocess.Popen[bytes], log: Path) -> Iterator[None]:
    """Whatever fails raises ControlError; where the manager has ended meanwhile, that is the reason."""
    try:
        yield
    except (ControlError, CircusStackError, psutil.Error, OSError) as error:
        if _is_dying(process):
            # Its first thread is a zombie while others still end.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_DYING_S)
        if process.poll() is None:
            raise ControlError(str(error)) from None
        raise ControlError(f"it ended with status {process.returncode}:\n{tail(log)}") from None


def _is_dying(process: subprocess.Popen[bytes]) -> bool:
    try:
        return psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextlib.contextmanager
def _connected(manager: Manager, site: Site, process: subprocess.Popen[bytes]) -> Iterator[Control]:
    until = time.monotonic() + _PATIENCE_S
    while True:
        if process.poll() is not None:
            raise ControlError("it ended")
        with contextlib.ExitStack() as stack:
            try:
                control = stack.enter_context(manager.connect(site))
                control.ask()
            except ControlError as error:
                if time.monotonic() > until:
                    raise ControlError(f"it does not answer: {error}\n{tail(site.home / 'said')}") from None
            else:
                yield control
                return
        time.sleep(0.02)


class Managed:
    """A manager that runs, its client, and the pipe in which TOLD tell."""

    def __init__(self, site: Site, pid: int, control: Control, told: Told) -> None:
        self._site = site
        self._root = psutil.Process(pid)
        self._control = control
        self._told = told

    def measure(self, found: dict[str, float], spans: Spans, *, has_lines: bool) -> None:
        """All but what needs statistics, into `found` as it comes."""
        starts, stops = [], []
        for number in range(STARTS):
            starts.append(self._timed(lambda: self._control.start(MANY)))
            self._check_all_run()
            if number < STARTS - 1:
                stops.append(self._timed(lambda: self._control.stop(MANY)))
        found["start"] = median(starts)
        time.sleep(_SETTLING_S)
        found["manager-cpu"] = self._percent([self._root.pid], max(spans.idle_s, IDLE_LEAST_S))
        found["manager-rss"] = self._root.memory_info().rss / 2**20
        asked = [1000 * self._timed(lambda: self._control.pids(MANY)) for _ in range(_ASKS)]
        found["ask"], found["ask-p99"] = median(asked), quantile(asked, 0.99)
        found["respawn"] = self._respawn_ms(spans)
        found["deaf-p99"] = quantile(self._asked_beside_a_stop(spans), 0.99)
        if has_lines:
            found["log-time"], found["log-cpu"] = self._lines(spans)
        stops.append(self._timed(lambda: self._control.stop(MANY)))
        found["stop"] = median(stops)

    def measure_with_statistics(self, found: dict[str, float], spans: Spans, *, is_ours: bool) -> None:
        """What they cost; of ours, also what they are worth."""
        self._control.start(MANY)
        if is_ours:
            statsd.wait_sampled(self._site, self._site.count)
        time.sleep(_SETTLING_S + self._site.count / _LOOKED_AT_A_SECOND)
        helpers = [each.pid for each in self._root.children() if each.name() not in ("sleep", "teller", "sh", "deaf")]
        if not helpers:
            raise ControlError("its program for statistics does not run")
        before, began = ran_s(helpers), time.monotonic()
        found["with-stats-cpu"] = self._percent([self._root.pid, *helpers], spans.idle_s)
        if not is_ours:
            return
        found["statsd-cpu"] = 100 * (ran_s(helpers) - before) / (time.monotonic() - began)
        found["statsd-rss"] = max(psutil.Process(each).memory_info().rss for each in helpers) / 2**20
        with statsd.subscribed(self._site):
            time.sleep(_JOINING_S)
            found["statsd-read-cpu"] = self._percent(helpers, spans.idle_s)
        found["statsd-tick"] = statsd.latest_tick_ms(self._site)
        self._control.start(BURN)
        time.sleep(_BURNT_IN_S)
        found["told-1"] = statsd.told_percent(self._site, 1, spans.reading_s)
        found["told-10"] = statsd.told_percent(self._site, 10, spans.reading_s)

    def _timed(self, call: Callable[[], object]) -> float:
        # One that has ended would be waited for in vain.
        _check_lives(self._root.pid)
        began = time.monotonic()
        call()
        return time.monotonic() - began

    def _check_all_run(self) -> None:
        pids = self._control.pids(MANY)
        if len(pids) != self._site.count or not all(map(psutil.pid_exists, pids)):
            raise ControlError(f"{len(pids)} of {self._site.count} processes run when all are said to be started")

    def _percent(self, pids: Sequence[int], seconds: float) -> float:
        before, began = ran_s(pids), time.monotonic()
        time.sleep(seconds)
        # What has ended uses nothing, and its threads are no longer counted.
        for each in pids:
            _check_lives(each)
        return 100 * (ran_s(pids) - before) / (time.monotonic() - began)

    def _respawn_ms(self, spans: Spans) -> float:
        """From kill -9 until the successor tells that it runs."""
        took: list[float] = []
        pauses = itertools.cycle(_SPREAD_S)
        until = time.monotonic() + spans.kills_s
        for victim in self._control.pids(TOLD):
            if len(took) >= 3 and time.monotonic() > until:
                break
            if took:
                time.sleep(next(pauses) if took[-1] > _LOOKS_MS else _BREATH_S)
            time.sleep(max(0.0, _GROWN_S - _age_s(victim)))
            began = time.monotonic()
            os.kill(victim, signal.SIGKILL)
            if self._told.next_pid(_PATIENCE_S) is None:
                raise ControlError(f"a killed process had no successor within {_PATIENCE_S:.0f} s")
            took.append(1000 * (time.monotonic() - began))
        return median(took)

    def _asked_beside_a_stop(self, spans: Spans) -> list[float]:
        """Milliseconds of each short question until the process that ignores SIGTERM is gone."""
        self._control.start(DEAF)
        [victim] = [psutil.Process(each) for each in self._control.pids(DEAF)]
        # Its shell has to have read the line that makes it deaf.
        time.sleep(0.5)
        took: list[float] = []
        until = time.monotonic() + spans.deaf_s + _PATIENCE_S
        self._control.begin_stop(DEAF)
        while victim.is_running() and victim.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > until:
                raise ControlError(f"a process that ignores SIGTERM was not killed after {spans.deaf_s:.0f} s")
            took.append(1000 * self._timed(self._control.ask))
            time.sleep(_PAUSE_S)
        if not took:
            raise ControlError("a process that ignores SIGTERM was gone at once")
        return took

    def _lines(self, spans: Spans) -> tuple[float, float]:
        """(seconds until all lines are in the file, seconds of a processor). ControlError where one is missing."""
        path, size = self._site.log, spans.log_bytes // LINE_BYTES * LINE_BYTES
        before, began = ran_s([self._root.pid]), time.monotonic()
        self._control.start(LOAD)
        while not path.exists() or path.stat().st_size < size:
            if time.monotonic() - began > _PATIENCE_S:
                there = path.stat().st_size if path.exists() else 0
                raise ControlError(f"{there} of {size} bytes of lines reached the file within {_PATIENCE_S:.0f} s")
            time.sleep(0.002)
        took, cpu_s = time.monotonic() - began, ran_s([self._root.pid]) - before
        with path.open("rb") as file:
            lines = sum(each.count(b"\n") for each in iter(lambda: file.read(2**20), b""))
        if lines != size // LINE_BYTES:
            raise ControlError(f"{lines} lines reached the file, and {size // LINE_BYTES} were written")
        return took, cpu_s


def _age_s(pid: int) -> float:
    return time.time() - psutil.Process(pid).create_time()


def _check_lives(pid: int) -> None:
    if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
        raise ControlError("a process of the manager has ended")
