"""What the health options of one watcher say about each other, and about its sockets. Pure; mistakes only."""

from __future__ import annotations

from circus_stack.config.check_watcher import place_of, title_of
from circus_stack.config.expand import variables_in
from circus_stack.config.problems import Problems
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import HealthScope, ReadinessForm

_OF_ONE = frozenset({"circus.wid", "circus.pid"})
_ENV = "circus.env."


def check_health(watcher: WatcherConfig, problems: Problems) -> None:
    """Numbers that no probe can have, and a scope that doesn't fit what the probe addresses."""
    if watcher.health.form is ReadinessForm.NONE:
        return
    for option in ("health_interval", "health_timeout", "health_threshold"):
        if not getattr(watcher, option):
            _refuse(watcher, option, "0", "is too small for a probe", "more than 0", problems)
    found, is_of_one = str(watcher.health), addresses_one(watcher)
    if watcher.health_scope is HealthScope.PROCESS and not is_of_one:
        legal = "a target with $(circus.wid) or $(circus.pid), or health_scope = watcher"
        _refuse(watcher, "health", found, "does not tell which of the processes it asks", legal, problems)
    if watcher.health_scope is HealthScope.WATCHER and is_of_one:
        legal = "health_scope = process, or a target without $(circus.wid) and $(circus.pid)"
        _refuse(watcher, "health", found, "asks one process, and the scope is the whole watcher", legal, problems)


def addresses_one(watcher: WatcherConfig) -> bool:
    """Whether the probe's target depends on the process, itself or by a variable of the process's environment."""
    texts = {name.lower(): text for name, text in watcher.env.items()}
    for name in variables_in(watcher.health.target):
        text = texts.get(name.removeprefix(_ENV), "") if name.startswith(_ENV) else ""
        if name in _OF_ONE or _OF_ONE.intersection(variables_in(text)):
            return True
    return False


def _refuse(watcher: WatcherConfig, option: str, found: str, message: str, legal: str, problems: Problems) -> None:
    problems.add(message, place_of(watcher, option), section=title_of(watcher), option=option, found=found, legal=legal)
