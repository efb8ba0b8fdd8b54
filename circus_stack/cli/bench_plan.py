"""From the flags of `circus-stack bench run` to the plan of a run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

import click
from msgspec import Struct

from circus_stack.cli.bench_suite import suite

DEFAULT_ROUNDS = 3
DEFAULT_SECONDS = 2
_QUICK_SECONDS = 1


class Asked(Struct, frozen=True):
    """The flags."""

    scenarios: tuple[str, ...]
    contestants: tuple[str, ...]
    app: str | None
    path: str
    workers: int
    rounds: int
    seconds: int | None
    warm_up: int
    connections: int
    is_quick: bool
    is_pinned: bool


def plan_of(asked: Asked) -> suite.run.Plan:
    """UsageError for names that there are not, and for flags that contradict each other."""
    _check_path(asked.path)
    known = suite.contestant.CONTESTANTS
    for name in asked.contestants:
        _check_known(name, known, "contestant")
    return suite.run.Plan(
        app=asked.app or suite.target.BUILT_IN,
        scenarios=_scenarios(asked),
        contestants=suite.run.chosen(asked.contestants, list(known.values())),
        workers=asked.workers,
        rounds=asked.rounds,
        seconds=asked.seconds or (_QUICK_SECONDS if asked.is_quick else DEFAULT_SECONDS),
        warm_up=asked.warm_up,
        connections=asked.connections,
        is_pinned=asked.is_pinned,
        import_path=(str(Path.cwd()),) if asked.app else (),
        cache=suite.environment.cache_directory(os.environ),
    )


def _scenarios(asked: Asked) -> tuple[suite.scenario.Scenario, ...]:
    known = suite.scenario.SCENARIOS
    if asked.app:
        if asked.scenarios:
            raise click.UsageError(
                "--scenario is for the built-in application; with --app, --path says what is asked for"
            )
        return (suite.scenario.own_app(asked.path),)
    for name in asked.scenarios:
        _check_known(name, known, "scenario")
    wanted = asked.scenarios or (suite.scenario.QUICK if asked.is_quick else tuple(known))
    return tuple(each for name, each in known.items() if name in wanted)


def _check_known(name: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    if name not in names:
        near = get_close_matches(name, names, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(names)}."
        raise click.UsageError(f"no {what} '{name}'. {hint}")


def _check_path(path: str) -> None:
    if not path.startswith("/") or not path.isprintable() or " " in path:
        raise click.UsageError(f"--path {path!r}: a path begins with / and holds no blanks")
