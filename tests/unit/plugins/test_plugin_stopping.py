"""A call that a stop has cut short is no failure of the plugin's: told at INFO, while others are errors."""

from __future__ import annotations

import asyncio
import logging

import pytest

from circus_stack.errors import CallError
from circus_stack.plugins.event_loop import EventLoop
from circus_stack.plugins.periodic import PeriodicCallback
from circus_stack.plugins.stopping import CallGivenUpError


@pytest.mark.parametrize(
    ("error", "level"), [(CallGivenUpError("asked to stop"), logging.INFO), (CallError("no answer"), logging.ERROR)]
)
def test_how_a_failed_call_is_told(error: CallError, level: int, caplog: pytest.LogCaptureFixture) -> None:
    def ask() -> None:
        raise error

    async def ask_later() -> None:
        raise error

    caplog.set_level(logging.INFO)
    loop = EventLoop()
    loop.make_current()
    try:
        loop.run(ask)
        loop.run(ask_later)
        loop.asyncio_loop.run_until_complete(PeriodicCallback(ask, 1000)._call())
        loop.asyncio_loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()
    assert [record.levelno for record in caplog.records] == [level] * 3
