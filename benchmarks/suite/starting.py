"""`bench start`: how long contestants take from nothing to the first answer, and what so many idle workers hold."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import environment
from .contestant import Contestant, Seat
from .environment import PeerError
from .result import Entrant, Result, Start
from .run import Plan, Watcher, processors
from .server import Server, ServerError, free_port, running, runtime_environ
from .target import write_target


def carry_out(plan: Plan, result: Result, watcher: Watcher, keep: Callable[[Result], None]) -> None:
    """Fill `result.starts`; `keep` is called with it after each round of all. One contestant runs at a time.

    AppError where there is no application. Whatever else is raised leaves in `result` what was found.
    """
    result.kind, result.scenarios = "start", []
    with tempfile.TemporaryDirectory(prefix="csb") as directory:
        home = Path(directory)
        write_target(plan.app, home)
        for number in range(1, plan.rounds + 1):
            for contestant, entrant in zip(plan.contestants, result.entrants, strict=True):
                if entrant.failure is None:
                    watcher.loading("start", contestant.name, number)
                    _once(plan, result, contestant, entrant, home / f"{contestant.name}-{number}", watcher)
            keep(result)
    result.is_complete = True
    keep(result)


def _once(plan: Plan, result: Result, contestant: Contestant, entrant: Entrant, home: Path, watcher: Watcher) -> None:
    home.mkdir(mode=0o700)
    try:
        programs = environment.OURS
        if contestant.requirements:
            programs = environment.ensure(contestant.requirements, plan.cache)
        entrant.versions = entrant.versions or environment.versions(programs, contestant.distributions)
        seat = Seat(free_port(), plan.workers, home, programs)
        entrant.argv = contestant.argv(seat)
        with _started(plan, entrant, seat) as server:
            settled_s = server.wait_settled()
            rss, pss = server.memory()
            result.starts.append(Start(contestant.name, round(server.start_s, 3), round(settled_s, 3), rss, pss))
    except (PeerError, ServerError) as error:
        entrant.failure = str(error)
        watcher.failed(entrant)


def _started(plan: Plan, entrant: Entrant, seat: Seat) -> contextlib.AbstractContextManager[Server]:
    servers, _ = processors(False)
    environ = runtime_environ(seat.home, [str(seat.home.parent), *plan.import_path])
    return running(entrant.argv, seat.port, seat.home, servers, environ, plan.scenarios[0].asks[0].path)
