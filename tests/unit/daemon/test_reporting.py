"""What is told when: only of a stack that is up, never after its end has begun."""

from __future__ import annotations

import asyncio
import contextlib

from circus_stack.daemon.reporting import Reporting, summary
from circus_stack.events import WatcherFailed, WatcherStarted
from circus_stack.states import WatcherState

UP, FAILED = WatcherState.ACTIVE, WatcherState.FAILED


class Told:
    """In place of the service manager: what it would be told."""

    is_there = True
    watchdog_s = None

    def __init__(self) -> None:
        self.words: list[str] = []

    def ready(self, status: str) -> None:
        self.words.append(f"ready {status}")

    def status(self, status: str) -> None:
        self.words.append(f"status {status}")

    def reloading(self, status: str) -> None:
        self.words.append("reloading")

    def stopping(self, status: str) -> None:
        self.words.append("stopping")

    def close(self) -> None:
        self.words.append("closed")


def test_a_summary() -> None:
    assert summary({"a": UP, "b": WatcherState.STOPPED}) == "1 of 2 watchers up"
    assert summary({"a": UP, "b": FAILED, "c": FAILED}) == "1 of 3 watchers up; failed: b, c"


def test_reloads_count_from_up_to_the_end() -> None:
    async def life() -> list[str]:
        told = Told()
        reporting = Reporting(asyncio.get_running_loop(), told, lambda: {"a": UP})  # type: ignore[arg-type]
        async with reporting.reloading():
            pass
        reporting.up()
        async with reporting.reloading(is_real=False):
            pass
        with contextlib.suppress(ZeroDivisionError):
            async with reporting.reloading():
                raise ZeroDivisionError
        async with reporting.reloading():
            reporting.ending()
        reporting.close()
        return told.words

    assert asyncio.run(life()) == [
        *("ready 1 of 1 watchers up", "reloading", "ready 1 of 1 watchers up", "reloading", "stopping", "closed")
    ]


def test_many_events_of_one_turn_are_one_status() -> None:
    async def life() -> list[str]:
        told = Told()
        reporting = Reporting(asyncio.get_running_loop(), told, lambda: {"a": FAILED})  # type: ignore[arg-type]
        reporting.up()
        reporting.on_event(WatcherStarted(watcher="a", time=0.0))
        reporting.on_event(WatcherFailed(watcher="a", time=0.0, reason="x"))
        await asyncio.sleep(0)
        return told.words

    assert asyncio.run(life()) == ["ready 0 of 1 watchers up; failed: a", "status 0 of 1 watchers up; failed: a"]
