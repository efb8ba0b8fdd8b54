"""`/watchers/{name}/options`, and what options there are at all: `/schema`."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from circus_stack.protocol.roles import Role
from circus_stack.web.access import audit
from circus_stack.web.access.refusal import RefusedError
from circus_stack.web.api.asking import role_of
from circus_stack.web.api.operations import operate
from circus_stack.web.api.route import Reply, Request, Route
from circus_stack.web.api.section import Section
from circus_stack.web.stack.stack import Stack

_SECTION = Section("options")
_OF_ONE = Section("options", {404: "there is no such watcher"})


class OptionValue(Struct, frozen=True, kw_only=True):
    """One option of a watcher: its value now, and what is known of it. `change` says what a change does: apply,
    scale, roll, rebind or restart; those that only this stack's file knows have no `help`."""

    name: str
    value: Any
    default: Any = None
    help: str = ""
    type: str = ""
    legal: str = ""
    change: str = ""
    is_default: bool = False


class OptionsResource:
    """The routes."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def routes(self) -> tuple[Route, ...]:
        """Their declarations."""
        return (
            _OF_ONE.shows(
                "/watchers/{name}/options",
                "All options of a watcher, with their defaults and meanings.",
                self._show,
                list[OptionValue],
            ),
            _OF_ONE.operates(
                "/watchers/{name}/options",
                "Change options: all that are named, or none. Values as text, or as JSON has them.",
                self._change,
                method="PATCH",
                role=Role.ADMIN,
                body=dict[str, Any],
                statuses={409: "an option or a value is not valid, or contradicts another"},
            ),
            _SECTION.shows("/schema", "The declarations of all options and commands.", self._schema, dict[str, Any]),
        )

    def _show(self, request: Request) -> Reply:
        role = role_of(request)
        values = self._stack.call(role, "options", name=request.path["name"])["options"]
        declared = dict(self._stack.call(role, "schema")["options"]["watcher"])
        return Reply(fields=[_option(name, value, declared.get(name)) for name, value in values.items()])

    def _change(self, request: Request) -> Reply:
        given: dict[str, Any] = request.body
        if not given:
            raise RefusedError(400, 'no option is named: {"graceful_timeout": 60}')
        # Their names alone: values may be secrets.
        audit.tell(request.environ, ", ".join(given))
        return operate(self._stack, request, "set", name=request.path["name"], options=given)

    def _schema(self, request: Request) -> Reply:
        reply = self._stack.call(role_of(request), "schema")
        return Reply(fields={"options": reply["options"], "commands": reply["commands"]})


def _option(name: str, value: Any, declared: dict[str, Any] | None) -> OptionValue:
    if declared is None:
        return OptionValue(name=name, value=value)
    return OptionValue(
        name=name,
        value=value,
        default=declared["default"],
        help=declared["help"],
        type=declared["type"],
        legal=declared["legal"],
        change=declared["change"],
        is_default=value == declared["default"],
    )
