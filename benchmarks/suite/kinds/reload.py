"""`bench reload`: what fails, and who waits, while workers are replaced under load."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..contestant import CONTESTANTS
from ..load import wrk
from ..load.measured import Load, LoadError
from ..plan import Keep, Plan, Watcher, processors
from ..result import Entrant, Figure, Part
from ..running import FAILURES, brought_up, fail
from ..scenario import Scenario
from ..server import Server
from ..statistics import median
from ..target import serving
from ..workers import reload_s

RELOADS = 3
_QUICK_RELOADS = 1
# Of load around the reloads: what was begun before them, and what comes after.
_BESIDE_S = 0.5
# A reload of two workers, with its imports, on a processor that is under load: seconds on a machine of today.
_RELOAD_S = 2.0


def estimate_s(plan: Plan) -> float:
    """Seconds that it will take, installations not counted."""
    entrants = len(plan.contestants) * len(plan.workers)
    loads = plan.warm_up + plan.seconds + 2 * _BESIDE_S + _reloads(plan) * _RELOAD_S
    return entrants * (1 + plan.rounds * loads)


def carry_out(plan: Plan, part: Part, watcher: Watcher, keep: Keep) -> None:
    """Fill `part`. All contestants are up at once, and are loaded and reloaded in turn.

    LoadError without wrk, AppError where there is no application. Whatever else is raised leaves what was found.
    """
    wrk.program()
    with tempfile.TemporaryDirectory(prefix="csb") as directory, contextlib.ExitStack() as stack:
        home = Path(directory)
        served = stack.enter_context(serving(plan.app, home, tells_worker=True))
        script = home / "load.lua"
        script.write_text(wrk.script_of(plan.scenarios[0]))
        running = list(_brought_up(plan, part, watcher, home, served, stack))
        for number in range(1, plan.rounds + 1):
            for entrant, server in running:
                if entrant.failure is None:
                    watcher.loading("reload", entrant.name, number)
                    _round(plan, part, watcher, script, number, entrant, server)
            keep()


def _brought_up(
    plan: Plan, part: Part, watcher: Watcher, home: Path, served: Mapping[str, str], stack: contextlib.ExitStack
) -> Iterator[tuple[Entrant, Server]]:
    for entrant in part.entrants:
        place = home / entrant.name.replace(" ", "-")
        try:
            server = stack.enter_context(brought_up(entrant, plan, watcher, place, served, is_pinned=plan.is_pinned))
            yield entrant, server
        except FAILURES as error:
            fail(entrant, str(error), watcher)


def _round(
    plan: Plan, part: Part, watcher: Watcher, script: Path, number: int, entrant: Entrant, server: Server
) -> None:
    try:
        found = _measured(plan, plan.scenarios[0], script, entrant, server)
    except (LoadError, *FAILURES) as error:
        fail(entrant, str(error), watcher)
        return
    part.figures += [Figure(entrant.name, what, number, round(value, 4)) for what, value in found.items()]
    watcher.measured(entrant.name, f"{found['failed']:.0f} failed, a reload in {found['reload']:.2f} s")


def _measured(plan: Plan, scenario: Scenario, script: Path, entrant: Entrant, server: Server) -> dict[str, float]:
    reload = CONTESTANTS[entrant.contestant].reload
    assert reload is not None, "plans name those alone that can be reloaded"
    _, cpus = processors(plan.is_pinned)
    connections = scenario.connections or plan.connections
    if plan.warm_up:
        wrk.load(server.port, script, plan.warm_up, connections, cpus)
    steady = wrk.load(server.port, script, plan.seconds, connections, cpus)
    if steady.errors or steady.not_2xx:
        failed = f"{steady.errors} errors, {steady.not_2xx} not 2xx"
        raise LoadError(f"requests fail without a reload already: {failed} of {steady.requests}")
    with wrk.loading(server.port, script, connections, cpus) as end:
        time.sleep(_BESIDE_S)
        took = [reload_s(server, reload, entrant.workers) for _ in range(_reloads(plan))]
        time.sleep(_BESIDE_S)
        rolling = end()
    return {
        "reload": median(took),
        "failed": rolling.errors + rolling.not_2xx,
        "closed": rolling.closed,
        "steady-p99": steady.p99_us / 1000,
        "rolling-p99": rolling.p99_us / 1000,
        "rolling-served": _rate(rolling),
    }


def _rate(load: Load) -> float:
    return load.requests / load.seconds if load.seconds else 0.0


def _reloads(plan: Plan) -> int:
    return _QUICK_RELOADS if plan.is_quick else RELOADS
