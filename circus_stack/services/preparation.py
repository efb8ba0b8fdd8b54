"""From the declaration of a service to its plan. Reads the machine (is the binary there?), changes nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import structs

from circus_stack.config.diff import FILES_VARIABLE
from circus_stack.config.schema import ServiceConfig, WatcherConfig
from circus_stack.errors import ConfigError, Problem, ServiceUnavailableError
from circus_stack.services.plan import ServicePlan, Site
from circus_stack.services.recipe import Recipe
from circus_stack.services.registry import RECIPES


def prepare(
    service: ServiceConfig,
    *,
    state_dir: Path,
    runtime_dir: Path,
    environ: Mapping[str, str],
    recipes: Mapping[str, type[Recipe]] = RECIPES,
) -> ServicePlan:
    """The plan of one service, with the section's own watcher options laid over what its recipe chose.

    `state_dir` and `runtime_dir` are the stack's. Raises ServiceUnavailableError (the text says how to install what
    is missing) and ConfigError.
    """
    site = Site(
        service=service,
        state_dir=state_dir.absolute() / service.name,
        runtime_dir=runtime_dir.absolute(),
        environ=environ,
        python=sys.executable,
        is_root=os.geteuid() == 0,
    )
    _refuse_several(service)
    try:
        plan = recipes[service.kind]().plan(site)
    except ServiceUnavailableError as error:
        raise ServiceUnavailableError(f"[service:{service.name}] cannot run: {error}") from error
    except KeyError:
        raise ConfigError([_problem(service, "kind", "unknown kind of service", service.kind, recipes)]) from None
    return structs.replace(plan, watcher=_overlaid(plan, service))


def _overlaid(plan: ServicePlan, service: ServiceConfig) -> WatcherConfig:
    chosen: dict[str, Any] = dict(service.watcher)
    env = {**plan.watcher.env, **chosen.pop("env", {})}
    if plan.files:
        # A change of their text is then a change of the watcher, which is all that a reload compares.
        env[FILES_VARIABLE] = digest(plan.files)
    return dataclasses.replace(plan.watcher, **chosen, env=env)


def digest(files: Mapping[Path, str]) -> str:
    """A short hash of names and texts, whatever their order."""
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path}\0{files[path]}\0".encode())
    return whole.hexdigest()[:16]


def _refuse_several(service: ServiceConfig) -> None:
    count = service.watcher.get("numprocesses", 1)
    if count != 1:
        raise ConfigError([_problem(service, "numprocesses", "a service is one process", str(count), ("1",))])
    if not service.watcher.get("singleton", True):
        raise ConfigError([_problem(service, "singleton", "a service is one process", "no", ("yes",))])


def _problem(service: ServiceConfig, name: str, message: str, found: str, legal: Any) -> Problem:
    where = service.where.get(name) or service.where.get("")
    return Problem(
        message,
        file=where.file if where else "",
        line=where.line if where else 0,
        section=f"service:{service.name}",
        option=name,
        found=found,
        legal=", ".join(legal),
    )
