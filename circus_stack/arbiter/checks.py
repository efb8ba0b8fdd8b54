"""What of a watcher can be seen to be wrong before anything is started: asks the system, changes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from circus_stack.arbiter.launch import priorities_of
from circus_stack.arbiter.secret_environment import check_secrets
from circus_stack.arbiter.site_packages import site_packages
from circus_stack.config.composites import rlimit_text
from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import Problem, SpawnError
from circus_stack.system.identity import resolve_identity
from circus_stack.system.limits import check_limits
from circus_stack.system.priorities import refusals


def check_launches(watchers: Iterable[WatcherConfig]) -> list[Problem]:
    """All mistakes for which each process would fail to start: users, limits, priorities, environments, secrets."""
    chosen = tuple(watchers)
    return [
        *check_identities(chosen),
        *check_limits_of(chosen),
        *check_priorities_of(chosen),
        *check_environments(chosen),
        *check_secrets(chosen),
    ]


def check_identities(watchers: Iterable[WatcherConfig]) -> list[Problem]:
    """A mistake for each user or group that doesn't exist, or that this arbiter could not run a process as."""
    found: list[Problem] = []
    for watcher in watchers:
        try:
            resolve_identity(watcher.uid, watcher.gid)
        except SpawnError as error:
            option = "gid" if watcher.uid is None or "group" in str(error) else "uid"
            value = watcher.gid if option == "gid" else watcher.uid
            legal = "a user or group of this machine, by name or number"
            found.append(_problem(watcher, option, error, value, legal))
    return found


def check_limits_of(watchers: Iterable[WatcherConfig]) -> list[Problem]:
    """A mistake for each resource limit that this arbiter could not set."""
    found: list[Problem] = []
    for watcher in watchers:
        for name, limit in watcher.rlimits.items():
            try:
                check_limits({name: limit})
            except SpawnError as error:
                found.append(_problem(watcher, f"rlimit_{name}", error, rlimit_text(limit), ""))
    return found


def check_priorities_of(watchers: Iterable[WatcherConfig]) -> list[Problem]:
    """A mistake for each priority that this arbiter could not give to a process."""
    found: list[Problem] = []
    for watcher in watchers:
        wanted = priorities_of(watcher)
        for option, reason in refusals(wanted) if wanted is not None else ():
            shown = " ".join(map(str, watcher.cpu_affinity)) if option == "cpu_affinity" else getattr(watcher, option)
            found.append(_problem(watcher, option, SpawnError(reason), str(shown), ""))
    return found


def check_environments(watchers: Iterable[WatcherConfig]) -> list[Problem]:
    """A mistake for each virtual environment that is none, or that is of several Pythons."""
    found: list[Problem] = []
    for watcher in watchers:
        if watcher.virtualenv is None:
            continue
        try:
            site_packages(watcher.virtualenv, watcher.virtualenv_py_ver)
        except SpawnError as error:
            legal = "the directory of a virtual environment"
            found.append(_problem(watcher, "virtualenv", error, watcher.virtualenv, legal))
    return found


def _problem(watcher: WatcherConfig, option: str, error: SpawnError, value: str | None, legal: str) -> Problem:
    where = watcher.where.get(option) or watcher.where.get("")
    # The option is named beside the message: it needs not to stand in it again.
    message = str(error).removeprefix(f"{option}: ").removeprefix(f"{option} {value}: ")
    return Problem(
        message,
        file=where.file if where else "",
        line=where.line if where else 0,
        section=f"watcher:{watcher.name}",
        option=option,
        found=value,
        legal=legal,
    )
