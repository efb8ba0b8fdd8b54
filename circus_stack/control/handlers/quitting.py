"""The end: quit. It overtakes every operation."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from circus_stack.control.desk import Desk

Fields = dict[str, Any]


def quit_(desk: Desk, properties: Fields) -> Fields | Awaitable[Fields]:
    """Answered at once; with `waiting` when everything is stopped, just before the endpoint closes."""
    desk.arbiter.request_quit()
    return _until_closing(desk) if properties["waiting"] else {}


async def _until_closing(desk: Desk) -> Fields:
    await desk.closing.wait()
    return {}
