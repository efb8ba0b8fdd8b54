"""From a hook's dotted name to its callable, and what can be seen to be wrong with it before anything starts."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import cast

from circus_stack.config.composites import HOOKS
from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import CircusStackError, Problem

# Called with the watcher, the arbiter, the hook's name and the keywords of that hook.
HookCallable = Callable[..., object]

# Circus's own way to say that a watcher's sources are importable by its hooks too.
_PATH_VARIABLE = "PYTHONPATH"


class HookNotFoundError(CircusStackError):
    """No callable of that name can be imported; the text says what was found wrong on the way."""


def load_hook(name: str, env: Mapping[str, str]) -> HookCallable:
    """The callable that `package.module.name` (or `package.module:name`) names; imports its module.

    The directories of the watcher's own PYTHONPATH are put at the end of `sys.path` first. Raises HookNotFoundError.
    """
    _extend_path(env.get(_PATH_VARIABLE, ""))
    found = _resolve(name)
    if not callable(found):
        raise HookNotFoundError(f"{name} is not callable: it is a {type(found).__name__}")
    return cast(HookCallable, found)


def _extend_path(paths: str) -> None:
    for path in paths.split(os.pathsep):
        if path and path not in sys.path:
            sys.path.append(path)


def _resolve(name: str) -> object:
    module_name, colon, attributes = name.partition(":")
    parts = attributes.split(".") if colon else []
    if not colon:
        module_name, _, last = name.rpartition(".")
        parts = [last]
    if not module_name:
        raise HookNotFoundError(f"{name!r} names no module: a hook is written package.module.function")
    while True:
        try:
            found: object = importlib.import_module(module_name)
            break
        except ModuleNotFoundError as error:
            outer, _, inner = module_name.rpartition(".")
            # Only where this very name is missing may its last part be a class of the module before it.
            if colon or not outer or error.name != module_name:
                raise HookNotFoundError(f"cannot import {module_name}: {error}") from error
            module_name, parts = outer, [inner, *parts]
        except (Exception, SystemExit) as error:
            # A module that exits ends its import, and not the arbiter.
            raise HookNotFoundError(f"cannot import {module_name}: {type(error).__name__}: {error}") from error
    for part in parts:
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise HookNotFoundError(f"{module_name} has no {'.'.join(parts)}") from error
    return found


def check_hooks(watchers: Iterable[WatcherConfig]) -> list[Problem]:
    """A mistake for each hook whose name is none of Circus's, or whose callable can't be imported. Imports them."""
    found: list[Problem] = []
    for watcher in watchers:
        for hook, declared in watcher.hooks.items():
            reason, legal = _complaint(hook, declared.callable, watcher.env)
            if not reason:
                continue
            option = f"hooks.{hook}"
            where = watcher.where.get(option) or watcher.where.get("hooks") or watcher.where.get("")
            found.append(
                Problem(
                    reason,
                    file=where.file if where else "",
                    line=where.line if where else 0,
                    section=f"watcher:{watcher.name}",
                    option=option,
                    found=declared.callable,
                    legal=legal,
                )
            )
    return found


def _complaint(hook: str, name: str, env: Mapping[str, str]) -> tuple[str, str]:
    if hook not in HOOKS:
        return f"there is no hook {hook}", ", ".join(HOOKS)
    try:
        load_hook(name, env)
    except HookNotFoundError as error:
        return str(error), "the dotted name of a callable that this Python can import"
    return "", ""
