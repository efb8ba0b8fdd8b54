"""`bench start`: how long contestants take from nothing to the first answer, what they hold then, and how long they
take to replace their workers. `bench memory` is the same with many workers, without the reload."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..contestant import CONTESTANTS
from ..plan import Keep, Plan, Watcher
from ..result import Entrant, Figure, Part
from ..running import FAILURES, brought_up, fail
from ..server import Server
from ..target import serving
from ..workers import reload_s

# One start of one worker, a reload, and its end: seconds on a machine of today.
_START_S = 3.0
# What each further worker adds where it imports everything itself, and where it is forked.
_EXECED_S, _FORKED_S = 0.3, 0.02


def estimate_s(plan: Plan) -> float:
    """Seconds that it will take."""
    each = sum(_START_S + count * _worker_s(name) for name in plan.contestants for count in plan.workers)
    return plan.rounds * each


def _worker_s(name: str) -> float:
    return _FORKED_S if name.endswith("+preload") or name == "uwsgi" else _EXECED_S


def carry_out(plan: Plan, part: Part, watcher: Watcher, keep: Keep) -> None:
    """Fill `part`. One contestant runs at a time, on all processors.

    AppError where there is no application. Whatever else is raised leaves in `part` what was found.
    """
    with tempfile.TemporaryDirectory(prefix="csb") as directory:
        home = Path(directory)
        with serving(plan.app, home, tells_worker=True) as served:
            for number in range(1, plan.rounds + 1):
                for entrant in part.entrants:
                    if entrant.failure is None:
                        watcher.loading(plan.kind, entrant.name, number)
                        _once(plan, part, entrant, home / f"{entrant.name}-{number}".replace(" ", "-"), watcher, served)
                keep()


def _once(plan: Plan, part: Part, entrant: Entrant, home: Path, watcher: Watcher, served: Mapping[str, str]) -> None:
    try:
        with brought_up(entrant, plan, watcher, home, served, is_pinned=False) as server:
            found = _measured(server, entrant)
            reload = CONTESTANTS[entrant.contestant].reload
            if plan.kind == "start" and reload is not None:
                found["cold-reload"] = reload_s(server, reload, entrant.workers)
    except FAILURES as error:
        fail(entrant, str(error), watcher)
        return
    number = 1 + len(part.values(entrant.name, "all-up"))
    part.figures += [Figure(entrant.name, what, number, round(value, 3)) for what, value in found.items()]
    watcher.measured(entrant.name, f"{found['all-up']:.2f} s, {found['pss']:.0f} MiB")


def _measured(server: Server, entrant: Entrant) -> dict[str, float]:
    settled_s = server.wait_settled(CONTESTANTS[entrant.contestant].processes(entrant.workers))
    rss, pss = (each / 2**20 for each in server.memory())
    of_one = server.worker_rss(entrant.workers) / 2**20
    return {
        "first-answer": server.start_s,
        "all-up": max(settled_s, server.start_s),
        "rss": rss,
        "pss": pss,
        "pss-worker": pss / entrant.workers if CONTESTANTS[entrant.contestant].beside is not None else pss,
        "rss-worker": of_one,
    }
