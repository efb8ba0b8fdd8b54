"""`--pre-hook` and `--post-hook`: callables of the operator's that run around the serving."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from chaussette.application import load_object, parse_target
from chaussette.errors import AppLoadError

log = logging.getLogger("chaussette")


def load_hook(option: str, name: str) -> Callable[[Any], object]:
    """The callable that `--pre-hook` or `--post-hook` names, as module.callable or module:callable."""
    found = load_object(parse_target(name), f"{option} {name!r}")
    if not callable(found):
        raise AppLoadError(f"{option} {name!r} is a {type(found).__name__}, which cannot be called")
    hook: Callable[[Any], object] = found
    return hook


class PostHook:
    """Runs the post-hook once, however the worker ends. What it raises is logged: the end must not fail over it."""

    def __init__(self, name: str, arguments: object) -> None:
        self._name = name
        self._arguments = arguments
        self._has_run = not name

    def run(self) -> None:
        """Run the hook, the first time only."""
        if self._has_run:
            return
        self._has_run = True
        try:
            load_hook("--post-hook", self._name)(self._arguments)
        except Exception:
            log.exception("post-hook %s failed", self._name)


def run_pre_hook(name: str, arguments: object) -> None:
    """Run the pre-hook; what it raises stops the start."""
    if name:
        load_hook("--pre-hook", name)(arguments)
