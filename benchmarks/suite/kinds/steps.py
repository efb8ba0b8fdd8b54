"""`bench steps`: at what load a contestant breaks. More and more users, each of whom asks once a second."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ..breaking import Verdict, verdict_of
from ..load import locust, wrk
from ..load.measured import Load, LoadError
from ..plan import Keep, Plan, Watcher, processors
from ..result import Entrant, Part
from ..running import FAILURES, brought_up, fail
from ..scenario import Scenario
from ..server import Server
from ..target import serving
from .serve import round_of

# Of what it serves to as many connections as it likes: the first of these it holds, at the last it has broken.
SHARES = (0.5, 0.7, 0.85, 0.95, 1.05, 1.2, 1.5)
_QUICK_SHARES = (0.6, 0.8, 1.0, 1.2)
_CAPACITY_S = 3
# locust's own start, and the contestant's.
_START_S = 4.0
# One locust on one processor has no more users than this in it.
_MOST_USERS = 5000


def estimate_s(plan: Plan) -> float:
    """Seconds that it will take, if each breaks at what it serves at most."""
    entrants = len(plan.contestants) * len(plan.workers)
    taken = sum(share <= 1.1 for share in _shares(plan))
    return entrants * (_CAPACITY_S + _START_S + taken * (plan.seconds + locust.GROWING_S))


def carry_out(plan: Plan, part: Part, watcher: Watcher, keep: Keep) -> None:
    """Fill `part`. One contestant runs at a time; its rounds are its steps, from 1, up to the first that it broke at.

    LoadError without a generator, AppError where there is no application. Whatever else is raised leaves in `part` what
    was found.
    """
    locust.check_here()
    part.settings = msgspec.structs.replace(part.settings, generator="locust")
    with tempfile.TemporaryDirectory(prefix="csb") as directory:
        home = Path(directory)
        with serving(plan.app, home) as served:
            for entrant in part.entrants:
                _climb(plan, part, entrant, home, watcher, served)
                keep()


def _climb(plan: Plan, part: Part, entrant: Entrant, home: Path, watcher: Watcher, served: Mapping[str, str]) -> None:
    place = home / entrant.name.replace(" ", "-")
    try:
        with brought_up(entrant, plan, watcher, place, served, is_pinned=plan.is_pinned) as server:
            watcher.loading("what it serves at most", entrant.name, 0)
            _take_steps(plan, part, entrant, server, users_of(_capacity(plan, home, server), _shares(plan)), watcher)
    except (LoadError, *FAILURES) as error:
        fail(entrant, str(error), watcher)


def _capacity(plan: Plan, home: Path, server: Server) -> float:
    """Requests a second. LoadError where none is answered well: it has no load at which it breaks."""
    scenario = plan.scenarios[0]
    _, cpus = processors(plan.is_pinned)
    if wrk.is_here():
        script = home / "capacity.lua"
        script.write_text(wrk.script_of(scenario))
        # Without a warm-up: what it leaves in a server's queue would be served in place of what counts.
        load = wrk.load(server.port, script, _CAPACITY_S, plan.connections, cpus)
    else:
        load = locust.load(server.port, scenario, plan.connections, _CAPACITY_S, cpus)
    if load.requests <= load.not_2xx:
        path = scenario.asks[0].path
        raise LoadError(f"{path} is not answered well: {load.not_2xx} answers and {load.errors} connections failed")
    return load.requests / load.seconds


def users_of(capacity: float, shares: Sequence[float]) -> list[int]:
    """How many users each step has, each more than the one before. Of a capacity beyond all users, the shares are of
    these: where it holds is told, if not where it breaks."""
    reach = min(capacity, _MOST_USERS)
    return sorted({max(1, min(_MOST_USERS, round(reach * each))) for each in shares})


def _take_steps(
    plan: Plan, part: Part, entrant: Entrant, server: Server, users: Sequence[int], watcher: Watcher
) -> None:
    scenario: Scenario = plan.scenarios[0]
    _, cpus = processors(plan.is_pinned)
    used = server.cpu_s()
    climbing = locust.steps(server.port, scenario, users, plan.seconds, cpus, once_a_second=True)
    with contextlib.closing(climbing) as taken:
        watcher.loading(f"{users[0]} users", entrant.name, 1)
        for number, (count, load) in enumerate(taken, 1):
            server.check_alive()
            now = server.cpu_s()
            found = round_of(load, scenario.name, entrant.name, number, now - used, count)
            used = now
            part.rounds.append(found)
            verdict = verdict_of(found)
            watcher.measured(entrant.name, f"{count} users: {verdict}, p99 {_p99(load)}")
            # More users make nothing clearer that fewer could not.
            if verdict is not Verdict.HELD or number == len(users):
                return
            watcher.loading(f"{users[number]} users", entrant.name, number + 1)


def _p99(load: Load) -> str:
    return f"{load.p99_us / 1000:.0f} ms" if load.requests else "-"


def _shares(plan: Plan) -> Sequence[float]:
    return _QUICK_SHARES if plan.is_quick else SHARES
