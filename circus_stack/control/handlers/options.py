"""Options: of a watcher (options, get) and of the arbiter (globaloptions)."""

from __future__ import annotations

from typing import Any

from circus_stack.control.desk import Desk
from circus_stack.control.watcher_options import dotted_options, plain, watcher_options
from circus_stack.errors import CommandError

Fields = dict[str, Any]


def options(desk: Desk, properties: Fields) -> Fields:
    """`options`: all of a watcher, free-form ones included."""
    return {"options": _options_of(desk, properties["name"])}


def get(desk: Desk, properties: Fields) -> Fields:
    """`options`: those that were asked for."""
    found = _options_of(desk, properties["name"])
    found |= dotted_options(desk.arbiter.config(properties["name"]))
    for key in properties["keys"]:
        if key not in found:
            raise CommandError(f"{key!r} option not found")
    return {"options": {key: found[key] for key in properties["keys"]}}


def _options_of(desk: Desk, name: str) -> Fields:
    return watcher_options(desk.arbiter.config(name), desk.arbiter.wanted(name))


def globaloptions(desk: Desk, properties: Fields) -> Fields:
    """`options`: the arbiter's endpoints and its check_delay."""
    found = {name: plain(value) for name, value in desk.offices.global_options().items()}
    option = properties["option"]
    if option is None:
        return {"options": found}
    if option not in found:
        raise CommandError(f"{option!r} not an existing option; there are {', '.join(found)}")
    return {"options": {option: found[option]}}
