"""The configuration: reloadconfig. And what a client may want to know of this arbiter's make: version, schema."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from circus_stack import __version__
from circus_stack.config.option import Option, options_of
from circus_stack.config.schema import CircusConfig, SocketConfig, WatcherConfig
from circus_stack.control.desk import Desk
from circus_stack.control.ownership import is_held
from circus_stack.control.watcher_options import plain
from circus_stack.errors import CircusStackError
from circus_stack.protocol.command import Command
from circus_stack.protocol.commands import COMMANDS
from circus_stack.protocol.replies import REPLIES

Fields = dict[str, Any]

log = logging.getLogger(__name__)

_RECORDS = {"circus": CircusConfig, "watcher": WatcherConfig, "socket": SocketConfig}


def reloadconfig(desk: Desk, properties: Fields) -> Fields | Awaitable[Fields]:
    """Waiting, or a dry run: `changes`, the lines of the plan. An error leaves everything as it was."""
    work = _reconfigure(desk, roll=properties["roll"], dry_run=properties["dry_run"])
    if properties["dry_run"]:
        return work
    jobs = desk.arbiter.jobs
    task = jobs.start(asyncio.get_running_loop(), "reloadconfig", (), work)
    task.add_done_callback(_tell_failure)
    job = {"job": jobs.id_of(task)}
    return _finish(task, job) if properties["waiting"] else job


async def _reconfigure(desk: Desk, *, roll: bool, dry_run: bool) -> Fields:
    return {"changes": await desk.reconfigure(roll=roll, dry_run=dry_run)}


async def _finish(task: asyncio.Task[Fields], job: Fields) -> Fields:
    # A client that is gone must not leave a configuration that is applied by halves.
    return {**await asyncio.shield(task), **job}


def _tell_failure(task: asyncio.Future[Fields]) -> None:
    if task.cancelled():
        return
    error = task.exception()
    if isinstance(error, CircusStackError):
        log.error("the configuration was not applied: %s", error)
    elif error is not None:
        log.error("the configuration was not applied", exc_info=error)


def ipython(desk: Desk, _properties: Fields) -> Fields:
    """`shell`, the kernel's connection file or false, and `msg`."""
    if is_held(desk.offices.endpoint_owner()):
        # Whoever has it is the arbiter's user.
        return {"shell": False, "msg": "the endpoint belongs to another user than the arbiter's: no shell here"}
    shell, message = desk.offices.open_shell()
    return {"shell": shell, "msg": message}


def version(_desk: Desk, _properties: Fields) -> Fields:
    """`version`."""
    return {"version": __version__}


def schema(_desk: Desk, _properties: Fields) -> Fields:
    """`options` by section and `commands`: the declarations, so that no client needs to know them by heart."""
    return {
        "options": {
            section: {option.name: _option_fields(option) for option in options_of(record)}
            for section, record in _RECORDS.items()
        },
        "commands": {name: _command_fields(command) for name, command in COMMANDS.items()},
    }


def _option_fields(option: Option) -> Fields:
    return {
        "type": option.kind.name,
        "legal": option.kind.legal,
        "default": plain(option.default),
        "help": option.help,
        "change": option.change.name.lower(),
        "aliases": option.aliases,
    }


def _command_fields(command: Command) -> Fields:
    return {
        "help": command.help,
        "example": command.example,
        "words": command.words,
        "role": command.role.value,
        "reply": REPLIES[command.name],
        "properties": {
            each.name: {
                "type": each.type.name,
                "legal": each.type.legal,
                "required": each.is_required,
                "default": each.default,
                "help": each.help,
            }
            for each in command.properties
        },
    }
