"""`bench start`: how long contestants take from nothing to the first answer, and what so many idle workers hold."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..plan import Keep, Plan, Watcher
from ..result import Entrant, Figure, Part
from ..running import FAILURES, brought_up, fail
from ..target import serving

# One start of one worker, and its end: seconds on a machine of today.
_START_S = 3.0


def estimate_s(plan: Plan) -> float:
    """Seconds that it will take. More workers take longer, half a second each."""
    return plan.rounds * len(plan.contestants) * sum(_START_S + each / 2 for each in plan.workers)


def carry_out(plan: Plan, part: Part, watcher: Watcher, keep: Keep) -> None:
    """Fill `part`. One contestant runs at a time, on all processors.

    AppError where there is no application. Whatever else is raised leaves in `part` what was found.
    """
    with tempfile.TemporaryDirectory(prefix="csb") as directory:
        home = Path(directory)
        with serving(plan.app, home) as served:
            for number in range(1, plan.rounds + 1):
                for entrant in part.entrants:
                    if entrant.failure is None:
                        watcher.loading("start", entrant.name, number)
                        _once(
                            plan,
                            part,
                            entrant,
                            home / f"{entrant.name}-{number}".replace(" ", "-"),
                            watcher,
                            served,
                            number,
                        )
                keep()


def _once(
    plan: Plan, part: Part, entrant: Entrant, home: Path, watcher: Watcher, served: Mapping[str, str], number: int
) -> None:
    try:
        with brought_up(entrant, plan, watcher, home, served, is_pinned=False) as server:
            settled_s = server.wait_settled()
            rss, pss = (each / 2**20 for each in server.memory())
    except FAILURES as error:
        fail(entrant, str(error), watcher)
        return
    found = {"first-answer": server.start_s, "all-up": settled_s, "rss": rss, "pss": pss}
    found["pss-worker"] = pss / entrant.workers
    part.figures += [Figure(entrant.name, what, number, round(value, 3)) for what, value in found.items()]
    watcher.measured(entrant.name, f"{server.start_s:.2f} s")
