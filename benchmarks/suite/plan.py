"""What to measure: the plan of one part of a result, and who looks on while it is carried out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from .result import Entrant, Part, Settings
from .scenario import Scenario

# Called whenever there is more in the part than before; it may raise.
Keep = Callable[[], None]


class Plan(Struct, frozen=True):
    """One part. `contestants`: names of the catalogue of its kind, each taken with each number of `workers`. `app`:
    what target.py takes; `path`: asked for where the scenario has none of its own. `import_path`: where the user's
    application lies. `cache`: of the contestants' environments. `users`: of scenarios that do not say how many;
    `generator`: auto, wrk or locust; `processes`: of locust, for the user's own files."""

    kind: str
    title: str
    contestants: tuple[str, ...]
    app: str = "built-in"
    path: str = "/"
    scenarios: tuple[Scenario, ...] = ()
    workers: tuple[int, ...] = (1,)
    rounds: int = 3
    seconds: int = 2
    warm_up: int = 1
    connections: int = 32
    users: int = 0
    generator: str = "auto"
    processes: int = 1
    is_pinned: bool = True
    is_quick: bool = False
    import_path: tuple[str, ...] = ()
    cache: Path = Path()


class Watcher(Protocol):
    """Who looks on; each method is told of a step that begins, or of one that ended."""

    def beginning(self, plan: Plan) -> None:
        """A part begins."""

    def preparing(self, entrant: str, is_installing: bool) -> None:
        """It is installed, or started."""

    def failed(self, entrant: Entrant) -> None:
        """It takes no (further) part, for `entrant.failure`."""

    def loading(self, what: str, entrant: str, number: int) -> None:
        """A measurement begins, of a scenario or of a quantity; number 0 is the warm-up."""

    def measured(self, entrant: str, text: str) -> None:
        """It ended; `text` tells the figure."""


def processors(is_pinned: bool) -> tuple[list[int] | None, list[int] | None]:
    """(the servers', the generator's): the last one is the generator's where there are two or more, else no one's."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[:-1], allowed[-1:]) if is_pinned and len(allowed) > 1 else (None, None)


def begin(plan: Plan) -> Part:
    """The part before its first round."""
    servers, generator = processors(plan.is_pinned)
    settings = Settings(
        app=plan.app, path=plan.path, workers=list(plan.workers), rounds=plan.rounds, seconds=plan.seconds,
        warm_up=plan.warm_up, connections=plan.connections, server_cpus=servers, generator_cpus=generator,
        generator=plan.generator, users=plan.users, processes=plan.processes,
        locust_files=[each.locust_file for each in plan.scenarios if each.locust_file], is_quick=plan.is_quick,
    )  # fmt: skip
    return Part(plan.kind, plan.title, settings, [each.name for each in plan.scenarios], _entrants(plan))


def _entrants(plan: Plan) -> list[Entrant]:
    is_one = len(plan.workers) == 1
    return [
        Entrant(name if is_one else f"{name} x{workers}", name, workers)
        for name in plan.contestants
        for workers in plan.workers
    ]


def ordered(names: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """These names in the order of the catalogue."""
    return tuple(each for each in known if each in names)
