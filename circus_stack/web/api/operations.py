"""What all operations have in common: how they are waited for, and what is told of them. None of them is named here."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from circus_stack.web.api.asking import role_of
from circus_stack.web.api.route import Reply, Request
from circus_stack.web.stack.stack import Stack

# What every reply of the arbiter has.
_ENVELOPE = frozenset({"status", "time", "id", "job"})


class Nothing(Struct, forbid_unknown_fields=True):
    """No field is needed."""


class Waiting(Struct, forbid_unknown_fields=True):
    """With `wait` the reply comes when it is done: status 200. Of what ends the console itself, or lasts longer than
    it, the reply is 202 all the same."""

    wait: bool = False


class Accepted(Struct, frozen=True, kw_only=True):
    """`job` is the operation's id, which `/jobs` shows; `done` what it did, where it was waited for."""

    job: str | None
    done: dict[str, Any] | None = None


def operate(stack: Stack, request: Request, command: str, **properties: Any) -> Reply:
    """Have the stack do it, as the caller; the reply that it has begun, or what it did."""
    found = stack.operate(role_of(request), command, waits=bool(request.query.wait), **properties)
    done = {key: value for key, value in found.fields.items() if key not in _ENVELOPE} if found.is_done else None
    return Reply(status=200 if found.is_done else 202, fields=Accepted(job=found.job, done=done))
