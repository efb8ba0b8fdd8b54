"""What changes the stack's declaration at run time: add, rm, set, save."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec import structs

from circus_stack.arbiter.hook_threads import LeftBehindError, ThreadedCall
from circus_stack.arbiter.outcome import Outcome
from circus_stack.config.dialect import APP, CIRCUS, PASTE
from circus_stack.config.runtime import change_option, check_change, watcher_from_options
from circus_stack.config.schema import WatcherConfig
from circus_stack.control.desk import Desk, Saved
from circus_stack.control.handlers.answer import Answer, Fields, answer
from circus_stack.control.handlers.operations import started_info
from circus_stack.control.ownership import check_new, check_owned, is_held
from circus_stack.errors import CommandError, Errno, Problem, UnknownOptionError

# A change that touches no process takes no longer, unless its watcher is busy.
_APPLIED_S = 0.05
# A typing error is told, as Circus does it: on the wire no unknown option is kept as a free-form one.
_DIALECTS = {each.kind: structs.replace(each, is_strict=True) for each in (APP, CIRCUS, PASTE)}


def add(desk: Desk, properties: Fields) -> Answer:
    """With `start` and `waiting`: `started` and `kept`, beside the others as Circus has it."""
    if desk.arbiter.is_reconfiguring:
        return _add_later(desk, properties)
    return _add(desk, properties)


async def _add_later(desk: Desk, properties: Fields) -> Fields:
    await desk.arbiter.wait_reconfigured()
    found = _add(desk, properties)
    return found if isinstance(found, dict) else await found


def _add(desk: Desk, properties: Fields) -> Answer:
    _check_new(desk, properties)
    config = _legal(lambda: _declared(desk, properties))
    owner = desk.offices.endpoint_owner()
    if owner is not None and is_held(owner):
        check_new(WatcherConfig(name=config.name, **_DIALECTS[desk.arbiter.stack.kind].watcher_defaults), config, owner)

    def go_on() -> Answer:
        desk.arbiter.add_watcher(config)
        if not properties["start"]:
            return {}
        return answer(desk, desk.arbiter.start((config.name,)), waiting=properties["waiting"], fields=started_info)

    return _checked(desk, config, go_on)


def _declared(desk: Desk, properties: Fields) -> WatcherConfig:
    dialect = _DIALECTS[desk.arbiter.stack.kind]
    return watcher_from_options(
        properties["name"], properties["cmd"], properties["args"] or "", properties["options"], dialect
    )


def _check_new(desk: Desk, properties: Fields) -> None:
    name, options = properties["name"], properties["options"]
    if any(each.lower() == name.lower() for each in desk.arbiter.names()):
        raise CommandError(f"{name!r} already exist", Errno.COMMAND_ERROR)
    _check_count(name, options.get("singleton") in (True, "true"), options)
    owner = desk.offices.endpoint_owner()
    if owner is not None and str(options.get("uid")) != owner:
        raise CommandError(f"uid option should be {owner!r}: the endpoint belongs to that user")


def rm(desk: Desk, properties: Fields) -> Answer:
    """Waiting: when its processes are gone; with `nostop` they live on."""
    task = desk.arbiter.remove_watcher(properties["name"], stop=not properties["nostop"])
    return answer(desk, task, waiting=properties["waiting"])


def set_(desk: Desk, properties: Fields) -> Answer:
    """All options or none; waiting: when the change is done, an error where new processes did not become ready."""
    config = desk.arbiter.config(properties["name"])
    options: Mapping[str, Any] = properties["options"]
    _check_count(config.name, config.singleton, options)
    changed = _legal(lambda: _changed(config, options))
    owner = desk.offices.endpoint_owner()
    if owner is not None and is_held(owner):
        check_owned(config, changed, owner)

    def go_on() -> Answer:
        task = desk.arbiter.set_config(config.name, changed, seen=config)
        found = answer(desk, task, waiting=properties["waiting"])
        return _once_applied(task, found) if isinstance(found, dict) else found

    return _checked(desk, changed, go_on)


async def _once_applied(task: asyncio.Task[Outcome], fields: Fields) -> Fields:
    """What takes effect at once has done so before the answer, so that the next question sees it."""
    await asyncio.wait({task}, timeout=_APPLIED_S)
    return fields


def _changed(config: WatcherConfig, options: Mapping[str, Any]) -> WatcherConfig:
    for key, value in options.items():
        # Below nothing is nothing, as Circus has it.
        is_below = key == "numprocesses" and type(value) is int and value < 0
        config = change_option(config, key, 0 if is_below else value)
    return config


def _check_count(name: str, is_singleton: bool, options: Mapping[str, Any]) -> None:
    """Circus has an errno of its own for a second process of a singleton."""
    count = str(options.get("numprocesses", 1))
    if is_singleton and count.isdecimal() and count not in ("0", "1"):
        raise CommandError(f"{name} is a singleton: it has one process at most", Errno.COMMAND_ERROR)


def _legal(make: Callable[[], WatcherConfig]) -> WatcherConfig:
    try:
        return make()
    except (ValueError, UnknownOptionError) as error:
        raise CommandError(str(error)) from None


def _checked(desk: Desk, config: WatcherConfig, go_on: Callable[[], Answer]) -> Answer:
    """Go on, unless the rest of the stack or the system forbids it. Raises CommandError for the first mistake."""

    def fits() -> WatcherConfig:
        check_change(desk.arbiter.running(), config)
        return config

    _legal(fits)
    if config.hooks:
        return _checked_aside(desk, config, go_on)
    _refuse(desk.offices.check_watcher(config))
    return go_on()


async def _checked_aside(desk: Desk, config: WatcherConfig, go_on: Callable[[], Answer]) -> Fields:
    """The modules of hooks are imported for it. One that hangs meanwhile holds up neither us nor the end: its thread is
    left behind, as a hook's is."""
    found: list[Problem] = []

    def check() -> bool:
        found.extend(desk.offices.check_watcher(config))
        return not found

    loop = asyncio.get_running_loop()
    verdict = await ThreadedCall(loop, f"check of {config.name}", check, config.hook_timeout).verdict
    if isinstance(verdict.error, LeftBehindError):
        raise CommandError(f"hooks: their modules could not be imported: that {verdict.error}")
    if verdict.error is not None:
        raise verdict.error
    _refuse(found)
    answered = go_on()
    return answered if isinstance(answered, dict) else await answered


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise CommandError(str(dataclasses.replace(problems[0], file="", line=0)))


async def _save(save: Awaitable[Saved]) -> Fields:
    saved = await save
    return {"saved": saved.path, "files": saved.files, "changes": saved.changes, "unsaved": saved.unsaved}


def save(desk: Desk, _properties: Fields) -> Awaitable[Fields]:
    """`saved`, the main file's path; `files`, what was written; `changes`, a line for each change; `unsaved` for
    what a file cannot say."""
    return _save(desk.offices.save())
