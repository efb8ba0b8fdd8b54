"""`bench processes`: process managers side by side. Each keeps the same programs, alone on the machine, in turn."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from ..contestant import Seat
from ..environment import PeerError
from ..managers.catalogue import BARE_LOOP, MANAGERS
from ..managers.circusd import OURS
from ..managers.manager import ControlError, Site
from ..plan import Keep, Plan, Watcher
from ..result import Entrant, Figure, Part
from ..running import fail, portable, programs_of
from ..statistics import median
from . import managed
from .managed import Spans

_FULL = Spans(idle_s=4.0, deaf_s=6.0, kills_s=6.0, log_bytes=100_000_000, reading_s=4.0)
_QUICK = Spans(idle_s=2.0, deaf_s=2.0, kills_s=3.0, log_bytes=100_000_000, reading_s=3.0)
# With more processes nothing new would be learnt of lines.
_FEW = 200
# What a manager needs to start and stop all programs twice, beside the spans; one that looks each second, more.
_BESIDE_S = {"circus-stack": 8.0, "circus": 16.0, "supervisor": 16.0}


def estimate_s(plan: Plan) -> float:
    """Seconds that it will take, installations not counted."""
    spans = _spans(plan)
    once = max(spans.idle_s, managed.IDLE_LEAST_S) + spans.idle_s + spans.deaf_s + spans.kills_s / 2
    of_all = [once + _BESIDE_S[each] for each in plan.contestants if each in _BESIDE_S]
    readings = 2 * spans.reading_s + spans.idle_s + 6 if OURS.name in plan.contestants else 0.0
    return plan.rounds * len(plan.workers) * (sum(of_all) + readings)


def carry_out(plan: Plan, part: Part, watcher: Watcher, keep: Keep) -> None:
    """Fill `part`. What is raised leaves in it what was found, and no process behind."""
    for number in range(1, plan.rounds + 1):
        for entrant in part.entrants:
            if entrant.failure is None:
                watcher.loading("processes", entrant.name, number)
                _once(plan, part, entrant, number, watcher)
        keep()


def _once(plan: Plan, part: Part, entrant: Entrant, number: int, watcher: Watcher) -> None:
    found: dict[str, float] = {}
    try:
        if entrant.contestant == BARE_LOOP:
            found["start"] = median([bare_loop_s(entrant.workers) for _ in range(managed.STARTS)])
        else:
            # Sockets stand in it, whose paths end at 107 bytes.
            with tempfile.TemporaryDirectory(prefix="csm", dir="/tmp") as directory:
                _of_manager(plan, entrant, Path(directory), found, watcher)
    except (ControlError, PeerError, OSError) as error:
        fail(entrant, str(error), watcher)
    finally:
        part.figures += [Figure(entrant.name, what, number, round(value, 4)) for what, value in found.items()]
    if entrant.failure is None:
        watcher.measured(entrant.name, f"{entrant.workers} up in {found['start']:.2f} s")


def _of_manager(plan: Plan, entrant: Entrant, directory: Path, found: dict[str, float], watcher: Watcher) -> None:
    manager = MANAGERS[entrant.contestant]
    programs = programs_of(manager, entrant, plan, watcher)
    spans = _spans(plan)
    for has_statistics in (False, True):
        if has_statistics and not manager.has_statistics:
            continue
        home = directory / ("with" if has_statistics else "without")
        home.mkdir(mode=0o700)
        site = Site(home, programs, entrant.workers, spans.deaf_s, spans.log_bytes, managed.LINE_BYTES, has_statistics)
        argv = manager.argv(site)
        entrant.argv = portable(argv, Seat(0, entrant.workers, home, programs))
        with managed.running(manager, site, argv, _environ(home)) as run:
            if not has_statistics:
                run.measure(found, spans, has_lines=entrant.workers <= _FEW)
            else:
                run.measure_with_statistics(found, spans, is_ours=manager is OURS)


def _environ(home: Path) -> Mapping[str, str]:
    state = {"XDG_RUNTIME_DIR": str(home), "XDG_STATE_HOME": str(home / "state")}
    return {key: value for key, value in os.environ.items() if not key.startswith(("CIRCUS", "PYTHON"))} | state


def bare_loop_s(count: int) -> float:
    """Seconds that a loop of posix_spawn needs for so many processes; they are gone when this returns."""
    argv, env = ["sleep", "100000"], dict(os.environ)
    pids: list[int] = []
    began = time.monotonic()
    try:
        for _ in range(count):
            # Each is noted at once: a comprehension that is cut off would forget those that it has started.
            pids.append(os.posix_spawn("/bin/sleep", argv, env))
        return time.monotonic() - began
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


def _spans(plan: Plan) -> Spans:
    return _QUICK if plan.is_quick else _FULL
