"""From the flags of `circus-stack bench` to plans."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from circus_stack.cli.bench.suite import suite

if TYPE_CHECKING:
    from benchmarks.suite.plan import Plan
    from benchmarks.suite.scenario import Scenario

DEFAULT_ROUNDS = 3
DEFAULT_SECONDS = 2
DEFAULT_USERS = 50
MEMORY = ("gevent", "gevent+preload", "fastgevent+preload", "gunicorn-gevent", "gunicorn-gevent+preload")
STEPS = ("fastgevent", "gevent", "gunicorn-gevent", "gunicorn-sync")
_TITLES = {"built-in": "The suite's application", "pyramid": "The Pyramid example"}


class Asked(Struct, frozen=True, kw_only=True):
    """The flags; a command leaves out those that it does not have. `users` and `processes`: 0 where nobody says."""

    contestants: tuple[str, ...] = ()
    app: str | None = None
    path: str = "/"
    workers: tuple[int, ...] = (1,)
    rounds: int = DEFAULT_ROUNDS
    scenarios: tuple[str, ...] = ()
    seconds: int | None = None
    warm_up: int = 1
    connections: int = 32
    is_quick: bool = False
    is_pinned: bool = True
    users: int = 0
    generator: str = "auto"
    processes: int = 0
    locust_files: tuple[str, ...] = ()


def serve_plans(asked: Asked, title: str = "") -> list[Plan]:
    """A plan for each application that the scenarios are of. UsageError for names that there are not, and for flags
    that contradict each other."""
    scenarios = _scenarios(asked)
    _check_locust(asked)
    apps = [asked.app] if asked.app else list(dict.fromkeys(each.app for each in scenarios))
    found = []
    for app in apps:
        chosen = scenarios if asked.app else tuple(each for each in scenarios if each.app == app)
        found.append(base_plan(asked, "serve", app, scenarios=chosen, title=title))
    return found


def _check_locust(asked: Asked) -> None:
    if not asked.locust_files:
        if asked.users or asked.processes:
            raise click.UsageError("--users and --processes are of a locust file: -f names it")
        return
    if not asked.app:
        raise click.UsageError("-f needs --app: the users of a locust file ask for pages of your own")
    names = [Path(each).stem for each in asked.locust_files]
    alike = [each for each in names if names.count(each) > 1]
    if alike:
        raise click.UsageError(f"-f: two files are called {alike[0]}: their figures would be one")


def start_plans(asked: Asked, title: str = "") -> list[Plan]:
    """UsageError for names that there are not."""
    return [base_plan(asked, "start", asked.app or suite.target.BUILT_IN, title=title)]


def memory_plans(asked: Asked, title: str = "") -> list[Plan]:
    """UsageError for names that there are not."""
    app = asked.app or (suite.target.PYRAMID if suite.example.is_here() else suite.target.BUILT_IN)
    return [base_plan(replace(asked, contestants=asked.contestants or MEMORY), "memory", app, title=title)]


def reload_plans(asked: Asked, title: str = "") -> list[Plan]:
    """UsageError for names that there are not, or of those that cannot be reloaded."""
    able = suite.contestant.reloadable()
    for name in asked.contestants:
        if name in suite.contestant.CONTESTANTS and name not in able:
            raise click.UsageError(f"{name} cannot replace its workers while it serves; these can: {', '.join(able)}")
    chosen = asked.contestants or tuple(each for each in suite.contestant.defaults() if each in able)
    page = suite.scenario.own_app(asked.path) if asked.app else suite.scenario.SCENARIOS["hello"]
    app = asked.app or suite.target.BUILT_IN
    return [base_plan(replace(asked, contestants=chosen), "reload", app, scenarios=(page,), title=title)]


def processes_plans(asked: Asked, title: str = "") -> list[Plan]:
    """UsageError for managers that there are not."""
    catalogue = suite.managers.catalogue
    known = [*catalogue.MANAGERS, catalogue.BARE_LOOP]
    for name in asked.contestants:
        check_known(name, known, "process manager")
    return [
        suite.plan.Plan(
            kind="processes",
            title=title or "Process managers",
            contestants=suite.plan.ordered(asked.contestants or known, known),
            app="-",
            workers=tuple(sorted(set(asked.workers))),
            rounds=asked.rounds,
            is_quick=asked.is_quick,
            is_pinned=False,
            cache=suite.environment.cache_directory(os.environ),
        )
    ]


def base_plan(asked: Asked, kind: str, app: str, *, scenarios: Sequence[Scenario] = (), title: str = "") -> Plan:
    """What all kinds with servers have in common. UsageError for contestants that there are not."""
    check_path(asked.path)
    known = suite.contestant.CONTESTANTS
    for name in asked.contestants:
        check_known(name, known, "contestant")
    return suite.plan.Plan(
        kind=kind,
        title=title or f"{_TITLES.get(app, app)}: {kind}",
        contestants=suite.plan.ordered(asked.contestants or suite.contestant.defaults(), list(known)),
        app=app,
        path=asked.path,
        scenarios=tuple(scenarios),
        workers=tuple(sorted(set(asked.workers))),
        rounds=min(asked.rounds, 2) if asked.is_quick else asked.rounds,
        seconds=asked.seconds or (1 if asked.is_quick else DEFAULT_SECONDS),
        warm_up=asked.warm_up,
        connections=asked.connections,
        users=asked.users or (DEFAULT_USERS if asked.locust_files else 0),
        generator=asked.generator,
        processes=asked.processes or 1,
        # One contestant at a time has all processors.
        is_pinned=asked.is_pinned and kind not in ("start", "memory"),
        is_quick=asked.is_quick,
        import_path=(str(Path.cwd()),) if app not in _TITLES else (),
        cache=suite.environment.cache_directory(os.environ),
    )


def steps_plans(asked: Asked, title: str = "") -> list[Plan]:
    """UsageError for names that there are not."""
    app = asked.app or (suite.target.PYRAMID if suite.example.is_here() else suite.target.BUILT_IN)
    page = suite.scenario.own_app(asked.path)
    chosen = asked.contestants or STEPS
    return [base_plan(replace(asked, contestants=chosen), "steps", app, scenarios=(page,), title=title)]


def _scenarios(asked: Asked) -> tuple[Scenario, ...]:
    if asked.locust_files:
        if asked.scenarios:
            raise click.UsageError("-f brings its own scenario: leave out --scenario")
        return tuple(suite.scenario.own_file(str(Path(each).absolute())) for each in asked.locust_files)
    known = suite.scenario.SCENARIOS
    if asked.app and asked.app not in _TITLES:
        if asked.scenarios:
            raise click.UsageError(
                "--scenario is for the built-in application; with --app, --path says what is asked for"
            )
        return (suite.scenario.own_app(asked.path),)
    for name in asked.scenarios:
        check_known(name, known, "scenario")
    wanted = asked.scenarios or (suite.scenario.QUICK if asked.is_quick else suite.scenario.defaults())
    chosen = tuple(each for name, each in known.items() if name in wanted)
    if not asked.scenarios and not suite.example.is_here():
        # As in a wheel: whoever wants its page names it, and hears what to install.
        chosen = tuple(each for each in chosen if each.app != suite.target.PYRAMID)
    if not asked.app:
        return chosen
    alike = tuple(each for each in chosen if each.app == asked.app)
    return alike or tuple(each for each in known.values() if each.app == asked.app)


def check_known(name: str, known: Iterable[str], what: str) -> None:
    """UsageError, with the nearest name, for one that is not known."""
    names = list(known)
    if name not in names:
        near = get_close_matches(name, names, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(names)}."
        raise click.UsageError(f"no {what} '{name}'. {hint}")


def check_path(path: str) -> None:
    """UsageError for what is no path of a URL."""
    if not path.startswith("/") or not path.isprintable() or " " in path:
        raise click.UsageError(f"--path {path!r}: a path begins with / and holds no blanks")
