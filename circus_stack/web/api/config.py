"""`/config`: what runs, what the file says now, and going over to it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from circus_stack.protocol.roles import Role
from circus_stack.web.api.asking import role_of
from circus_stack.web.api.operations import operate
from circus_stack.web.api.route import Reply, Request, Route
from circus_stack.web.api.section import Section
from circus_stack.web.stack.stack import Stack

_SECTION = Section("config")


class RunningConfig(Struct, frozen=True, kw_only=True):
    """The options of each watcher as they hold now, by its name, and those of the arbiter."""

    arbiter: dict[str, Any]
    watchers: dict[str, dict[str, Any]]


class Plan(Struct, frozen=True, kw_only=True):
    """What going over to the file would do, a line each; none where it says what runs."""

    changes: tuple[str, ...]


class Saved(Struct, frozen=True, kw_only=True):
    """What was written into which files, a line each, and what no file can say."""

    files: tuple[str, ...]
    changes: tuple[str, ...]
    unsaved: tuple[str, ...]


class Apply(Struct, forbid_unknown_fields=True):
    """With `roll` also the processes of what did not change are replaced, new before old."""

    roll: bool = False


class ConfigResource:
    """The routes."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def routes(self) -> tuple[Route, ...]:
        """Their declarations."""
        return (
            _SECTION.shows("/config", "The running configuration.", self._show, RunningConfig),
            _SECTION.shows(
                "/config/plan",
                "The file is read, and what would change is told; nothing is changed.",
                self._plan,
                Plan,
                role=Role.ADMIN,
                statuses={409: "the file has mistakes"},
            ),
            _SECTION.operates(
                "/config/apply",
                "Read the file and go over to it, all or nothing.",
                self._apply,
                role=Role.ADMIN,
                body=Apply,
                statuses={409: "the file has mistakes, or what is new would not serve; everything is as it was"},
            ),
            Route(
                method="POST",
                path="/config/save",
                summary="Write what was changed at run time into the file.",
                handler=self._save,
                role=Role.ADMIN,
                reply=Saved,
                tag=_SECTION.tag,
                statuses={409: "the stack was read from no file"},
            ),
        )

    def _show(self, request: Request) -> Reply:
        role = role_of(request)
        names = self._stack.call(role, "status")["statuses"]
        watchers = {name: self._stack.call(role, "options", name=name)["options"] for name in names}
        return Reply(
            fields=RunningConfig(arbiter=self._stack.call(role, "globaloptions")["options"], watchers=watchers)
        )

    def _plan(self, request: Request) -> Reply:
        reply = self._stack.call(role_of(request), "reloadconfig", dry_run=True, timeout_s=60.0)
        return Reply(fields=Plan(changes=tuple(reply["changes"])))

    def _apply(self, request: Request) -> Reply:
        return operate(self._stack, request, "reloadconfig", roll=request.body.roll)

    def _save(self, request: Request) -> Reply:
        reply = self._stack.call(role_of(request), "save", timeout_s=60.0)
        return Reply(
            fields=Saved(files=tuple(reply["files"]), changes=tuple(reply["changes"]), unsaved=tuple(reply["unsaved"]))
        )
