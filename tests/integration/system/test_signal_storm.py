"""Signals that come faster than the loop turns."""

from __future__ import annotations

import asyncio
import os
import signal
import time

from circus_stack.system.signals import answer_signal


def test_no_signal_is_lost_behind_hundreds_of_others(capfd) -> None:
    """A socket pair holds 277 bytes of one each, which is all that asyncio tells the loop by."""
    many, told = [], []

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        answer_signal(loop, signal.SIGUSR1, lambda: many.append(1))
        answer_signal(loop, signal.SIGUSR2, lambda: told.append(1))
        try:
            for _ in range(1000):
                os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGUSR2)
            deadline = time.monotonic() + 20
            while not told and time.monotonic() < deadline:
                await asyncio.sleep(0)
        finally:
            loop.remove_signal_handler(signal.SIGUSR1)
            loop.remove_signal_handler(signal.SIGUSR2)

    asyncio.run(scene())
    assert told == [1]
    assert many
    assert capfd.readouterr().err == ""
