"""Bringing the services into the stack: watchers, exported variables, and doing without an optional one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from circus_stack.config.schema import ServiceConfig, StackConfig, WatcherConfig
from circus_stack.errors import ConfigError, Problem, ServiceUnavailableError
from circus_stack.services.plan import ServicePlan
from circus_stack.services.preparation import prepare


class Arrangement(Struct, frozen=True):
    """The whole stack, and what must be placed before it starts (`place`), by the name of the service."""

    stack: StackConfig
    plans: Mapping[str, ServicePlan]


def arrange(stack: StackConfig, *, state_dir: Path, runtime_dir: Path, environ: Mapping[str, str]) -> Arrangement:
    """Prepare every service of `stack` and compose. Nothing is written.

    Raises ServiceUnavailableError that names every missing service that isn't optional, and ConfigError with every
    problem that the recipes found.
    """
    plans: dict[str, ServicePlan] = {}
    missing: dict[str, str] = {}
    problems: list[Problem] = []
    for service in stack.services:
        try:
            plans[service.name] = prepare(service, state_dir=state_dir, runtime_dir=runtime_dir, environ=environ)
        except ServiceUnavailableError as error:
            missing[service.name] = str(error)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    needed = [missing[service.name] for service in stack.services if service.name in missing and not service.optional]
    if needed:
        raise ServiceUnavailableError("\n".join(needed))
    return Arrangement(compose(stack, plans, missing), plans)


def compose(stack: StackConfig, plans: Mapping[str, ServicePlan], missing: Mapping[str, str]) -> StackConfig:
    """The stack with its services as watchers, in front of all others. Pure.

    A watcher gets the exports of the services that its own `depends_on` names; what it sets itself wins. A service in
    `missing` (name -> why) leaves every `depends_on`, with a warning. Raises ConfigError if a watcher has the name of
    a service.
    """
    _refuse_namesakes(stack)
    absent = {name.casefold() for name in missing}
    exports = {name.casefold(): plan.exports for name, plan in plans.items()}
    services = [plans[service.name].watcher for service in stack.services if service.name in plans]
    watchers = tuple(_connected(watcher, exports, absent) for watcher in (*services, *stack.watchers))
    warnings = [_warning(service, missing[service.name]) for service in stack.services if service.name in missing]
    warnings += _unreachable(watchers, plans)
    return dataclasses.replace(stack, watchers=watchers, warnings=(*stack.warnings, *warnings))


def _connected(watcher: WatcherConfig, exports: Mapping[str, Mapping[str, str]], absent: set[str]) -> WatcherConfig:
    env: dict[str, str] = {}
    for name in watcher.depends_on:
        env |= exports.get(name.casefold(), {})
    depends_on = tuple(name for name in watcher.depends_on if name.casefold() not in absent)
    if not env and depends_on == watcher.depends_on:
        return watcher
    return dataclasses.replace(watcher, env=env | dict(watcher.env), depends_on=depends_on)


def _unreachable(watchers: tuple[WatcherConfig, ...], plans: Mapping[str, ServicePlan]) -> list[Problem]:
    """A warning for each watcher that runs as another user than a service whose unix socket it would need."""
    by_name = {name.casefold(): plan for name, plan in plans.items()}
    return [
        Problem(
            f"it runs as {watcher.uid}, who cannot open the unix socket of {name}, which runs as "
            f"{plan.watcher.uid or 'the arbiter does'}; set the same uid there, or give it a port",
            section=f"watcher:{watcher.name}",
            option="uid",
        )
        for watcher in watchers
        for name in watcher.depends_on
        if (plan := by_name.get(name.casefold()))
        and watcher.uid not in (None, "root", "0", plan.watcher.uid)
        and any(value.startswith("unix:") for value in plan.exports.values())
    ]


def _warning(service: ServiceConfig, reason: str) -> Problem:
    where = service.where.get("optional") or service.where.get("")
    return Problem(
        f"the stack starts without it, since it is optional: {reason}",
        file=where.file if where else "",
        line=where.line if where else 0,
        section=f"service:{service.name}",
    )


def _refuse_namesakes(stack: StackConfig) -> None:
    taken = {watcher.name.casefold() for watcher in stack.watchers}
    clashes = [service for service in stack.services if service.name.casefold() in taken]
    if clashes:
        raise ConfigError(
            [Problem("a watcher has the same name", section=f"service:{service.name}") for service in clashes]
        )
