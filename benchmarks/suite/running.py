"""A contestant of a part brought up in its place: installed where it must be, told what it serves, started."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from . import environment
from .contestant import CONTESTANTS, Seat
from .environment import PeerError
from .plan import Plan, Watcher, processors
from .result import Entrant
from .server import Server, ServerError, free_port, running, runtime_environ

# Why a contestant has no figures: told in the result, while the others go on.
FAILURES = (PeerError, ServerError)


class Installed(Protocol):
    """What stands in an environment: a server, or a process manager. `requirements`: none for ours."""

    @property
    def requirements(self) -> tuple[str, ...]: ...

    @property
    def distributions(self) -> tuple[str, ...]: ...


def programs_of(installed: Installed, entrant: Entrant, plan: Plan, watcher: Watcher) -> Path:
    """The programs of its environment, made where it is missing; fills in the entrant's versions. PeerError where that
    fails."""
    requirements = installed.requirements
    is_made = not requirements or (environment.place_of(requirements, plan.cache) / "made").exists()
    watcher.preparing(entrant.name, not is_made)
    if requirements:
        programs = environment.ensure(requirements, plan.cache)
    else:
        environment.compile_ours()
        programs = environment.OURS
    entrant.versions = entrant.versions or environment.versions(programs, installed.distributions)
    return programs


@contextlib.contextmanager
def brought_up(
    entrant: Entrant, plan: Plan, watcher: Watcher, home: Path, served: Mapping[str, str], *, is_pinned: bool
) -> Iterator[Server]:
    """It answers, until the block ends. One of FAILURES where it does not. `home`: made for it; it stands beside the
    module that all serve. `served`: the environment that the application wants."""
    contestant = CONTESTANTS[entrant.contestant]
    programs = programs_of(contestant, entrant, plan, watcher)
    home.mkdir(mode=0o700)
    seat = Seat(free_port(), entrant.workers, home, programs)
    argv = contestant.argv(seat)
    entrant.argv = portable(argv, seat)
    servers, _ = processors(is_pinned)
    environ = runtime_environ(home, [str(home.parent), *plan.import_path, *environment.packages_of(programs)])
    environ |= served
    path = plan.scenarios[0].asks[0].path if plan.scenarios and plan.scenarios[0].asks else plan.path
    with running(argv, seat.port, home, servers, environ, path) as server:
        yield server


def portable(argv: Sequence[str], seat: Seat) -> list[str]:
    """The words without the places of this machine: a report is read elsewhere."""
    ours = str(environment.OURS)
    return [
        each.replace(f"{seat.programs}/", "")
        .replace(f"{ours}/", "")
        .replace(f"{seat.home}/", "")
        .replace(str(seat.home), ".")
        for each in argv
    ]


def fail(entrant: Entrant, why: str, watcher: Watcher) -> None:
    """Note it, and tell."""
    entrant.failure = why
    watcher.failed(entrant)
