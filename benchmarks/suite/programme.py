"""Plans carried out one after the other into one result, which is kept as it grows."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from .kinds import processes, reload, serve, start, steps
from .load import locust, wrk
from .load.measured import LoadError
from .machine import this_machine
from .plan import Keep, Plan, Watcher, begin
from .result import Part, Result, Settings
from .scenario import OWN_APP, SCENARIOS, Scenario, own_app, own_file
from .target import BUILT_IN, PYRAMID, AppError

# Why nothing can be measured: for whoever asked, in words.
REFUSALS = (LoadError, AppError)


def _needs_nothing(_plan: Plan) -> None:
    """No generator."""


class Kind(Struct, frozen=True):
    """`carry_out` fills the part of a plan, `estimate_s` tells how long that will take, `check` raises one of REFUSALS
    where a generator is missing."""

    carry_out: Callable[[Plan, Part, Watcher, Keep], None]
    estimate_s: Callable[[Plan], float]
    check: Callable[[Plan], object] = _needs_nothing


KINDS: Mapping[str, Kind] = {
    "serve": Kind(serve.carry_out, serve.estimate_s, serve.generators_of),
    "start": Kind(start.carry_out, start.estimate_s),
    "memory": Kind(start.carry_out, start.estimate_s),
    "steps": Kind(steps.carry_out, steps.estimate_s, lambda _plan: locust.check_here()),
    "processes": Kind(processes.carry_out, processes.estimate_s),
    "reload": Kind(reload.carry_out, reload.estimate_s, lambda _plan: wrk.program()),
}


def begin_result(plans: Sequence[Plan], version: str, command: Sequence[str]) -> Result:
    """Before the first round of all."""
    made_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Result(made_at, version, list(command), this_machine(), [begin(each) for each in plans])


def carry_out(plans: Sequence[Plan], result: Result, watcher: Watcher, keep: Callable[[Result], None]) -> None:
    """Fill `result`; `keep` is called with it after each round. What is raised leaves in it what was found."""
    began = time.monotonic()
    for plan in plans:
        # Before the first part, and not after ten minutes.
        KINDS[plan.kind].check(plan)

    def kept() -> None:
        result.took_s = round(time.monotonic() - began, 1)
        keep(result)

    for plan, part in zip(plans, result.parts, strict=True):
        watcher.beginning(plan)
        KINDS[plan.kind].carry_out(plan, part, watcher, kept)
        part.is_complete = True
        kept()


def plans_of(result: Result, cache: Path, directory: Path) -> list[Plan]:
    """The plans that measure once more what `result` holds. `directory`: where the user's application lies now.
    ValueError for a contestant, a scenario or a kind that this version does not know."""
    return [_plan_of(each, cache, directory) for each in result.parts]


def _plan_of(part: Part, cache: Path, directory: Path) -> Plan:
    settings = part.settings
    if part.kind not in KINDS:
        raise ValueError(f"measures {part.kind!r}, which this version does not know")
    is_own = settings.app not in (BUILT_IN, PYRAMID)
    return Plan(
        kind=part.kind,
        title=part.title,
        contestants=tuple(dict.fromkeys(each.contestant for each in part.entrants)),
        app=settings.app,
        path=settings.path,
        scenarios=tuple(_scenario(each, settings) for each in part.scenarios),
        workers=tuple(settings.workers),
        rounds=settings.rounds,
        seconds=settings.seconds,
        warm_up=settings.warm_up,
        connections=settings.connections,
        users=settings.users,
        generator=settings.generator,
        processes=settings.processes,
        is_pinned=settings.server_cpus is not None,
        is_quick=settings.is_quick,
        import_path=(str(directory),) if is_own else (),
        cache=cache,
    )


def _scenario(name: str, settings: Settings) -> Scenario:
    files = {Path(each).stem: each for each in settings.locust_files}
    if name in files:
        return own_file(files[name])
    if name != OWN_APP and settings.app in (BUILT_IN, PYRAMID):
        if name not in SCENARIOS:
            raise ValueError(f"has the scenario {name!r}, which this version does not know")
        return SCENARIOS[name]
    return own_app(settings.path)
