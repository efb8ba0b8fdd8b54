"""How many processes are between spawn and ready at once, as the events tell it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from circus_stack.config.schema import CircusConfig, WatcherConfig
from circus_stack.config.values import Readiness, ReadinessForm
from circus_stack.events import Event, ProcessReady, ProcessReaped, ProcessSpawned
from circus_stack.states import WatcherState
from tests.integration.arbiter import sample_hooks
from tests.integration.arbiter.stage import NOTIFY, SLEEP, Stage, play, python, stack_of

READY = Readiness(ReadinessForm.NOTIFY)
# Long enough that without a limit all of them would be on their way together.
SLOWLY = "import time;time.sleep(0.15);"


def slow(name: str, count: int, **options: object) -> WatcherConfig:
    code = python(SLOWLY + NOTIFY + SLEEP)
    return WatcherConfig(name=name, cmd=code, numprocesses=count, ready=READY, **options)  # type: ignore[arg-type]


def most_on_their_way(events: Iterable[Event]) -> int:
    """The most processes that were spawned and neither ready nor gone at one moment."""
    on_their_way: set[int] = set()
    most = 0
    for event in events:
        match event:
            case ProcessSpawned():
                on_their_way.add(event.process_pid)
            case ProcessReady() | ProcessReaped():
                on_their_way.discard(event.process_pid)
        most = max(most, len(on_their_way))
    return most


def test_a_watcher_starts_no_more_at_once_than_it_may(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("web") is WatcherState.ACTIVE, "web")
        assert most_on_their_way(on.events) == 2

    play(stack_of(slow("web", 7, start_concurrency=2)), tmp_path, act)


def test_all_watchers_of_a_stack_share_its_limit_and_a_reload_keeps_it(tmp_path: Path) -> None:
    stack = stack_of(slow("one", 3), slow("two", 3), slow("three", 1))
    stack = dataclasses.replace(stack, circus=CircusConfig(start_concurrency=2))

    async def act(on: Stage) -> None:
        names = ("one", "two", "three")
        await on.wait(lambda: all(on.arbiter.status(each) is WatcherState.ACTIVE for each in names), "all of them")
        assert most_on_their_way(on.events) == 2
        before = len(on.events)
        await on.arbiter.reload(["one", "two"])
        assert most_on_their_way(on.events[before:]) == 2
        assert len(on.pids("one")) == len(on.pids("two")) == 3

    play(stack, tmp_path, act)


def test_who_never_becomes_ready_holds_up_the_others_for_its_ready_timeout_alone(tmp_path: Path) -> None:
    never = WatcherConfig(name="never", cmd=python(SLEEP), ready=READY, ready_timeout=0.3, max_failures=2)
    stack = stack_of(never, slow("web", 3))
    stack = dataclasses.replace(stack, circus=CircusConfig(start_concurrency=1))

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("web") is WatcherState.ACTIVE, "web")
        await on.wait(lambda: on.arbiter.status("never") is WatcherState.FAILED, "the end of never")

    play(stack, tmp_path, act)


def test_hooks_of_two_watchers_do_not_get_past_the_limit(tmp_path: Path) -> None:
    stack = stack_of(slow("one", 3, warmup_delay=0.01), slow("two", 3, hooks=sample_hooks.declared()))
    stack = dataclasses.replace(stack, circus=CircusConfig(start_concurrency=1))

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("one") is WatcherState.ACTIVE, "one")
        await on.wait(lambda: on.arbiter.status("two") is WatcherState.ACTIVE, "two")
        assert most_on_their_way(on.events) == 1

    with sample_hooks.recording():
        play(stack, tmp_path, act)
