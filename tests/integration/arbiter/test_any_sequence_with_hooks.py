"""Random operations on watchers with hooks, ages, pauses and demand: whatever comes together, the end is an end."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from circus_stack.arbiter import hooks
from circus_stack.config.schema import SocketConfig, WatcherConfig
from circus_stack.config.values import HookConfig, Readiness, ReadinessForm
from circus_stack.errors import CircusStackError, IllegalStepError
from circus_stack.states import WatcherState
from circus_stack.system.descent import descendants
from tests.integration.arbiter import sample_hooks
from tests.integration.arbiter.stage import NOTIFY, SLEEP, Stage, play, python, stack_of

READY = Readiness(ReadinessForm.NOTIFY)


@pytest.fixture(autouse=True)
def _recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(hooks, "_OVERTAKEN_S", 0.1)
    with sample_hooks.recording():
        yield


def watcher(name: str, chosen: dict[str, HookConfig], **options: object) -> WatcherConfig:
    values: dict[str, object] = {"cmd": "sleep 600", "graceful_timeout": 0.5, "hook_timeout": 0.3, **options}
    return WatcherConfig(name=name, hooks=chosen, **values)  # type: ignore[arg-type]


def stack_with_all() -> tuple[WatcherConfig, ...]:
    served = {"cmd": python(NOTIFY + SLEEP), "ready": READY, "use_sockets": True}
    return (
        watcher("web", sample_hooks.declared(), numprocesses=2, **served),
        watcher("aging", sample_hooks.declared(), max_age=0.2, max_age_variance=0.1, numprocesses=2, **served),
        watcher("slow", sample_hooks.declared(before_signal="hang", after_spawn="look"), extra={"flavour": "x"}),
        watcher("refusing", sample_hooks.declared(after_start="refuse")),
        watcher("waiting", sample_hooks.declared(), on_demand=True, **served),
        watcher("crashing", sample_hooks.declared(), cmd="false", max_failures=3),
        watcher("paced", {}, numprocesses=3, warmup_delay=0.05),
    )


@pytest.mark.parametrize("seed", range(2))
def test_whatever_comes_together_the_end_is_an_end(tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    stack = stack_of(*stack_with_all(), sockets=(SocketConfig(name="a", host="127.0.0.1", port=0),))
    choose = random.Random(seed)

    def one(on: Stage) -> object:
        name = choose.choice(on.arbiter.names())
        config = on.arbiter.config(name)
        actions = [
            lambda: on.arbiter.start([name]),
            lambda: on.arbiter.stop([name]),
            lambda: on.arbiter.restart([name]),
            lambda: on.arbiter.reload([name]),
            lambda: on.arbiter.reload([name], sequential=True),
            lambda: on.arbiter.set_wanted(name, choose.randrange(3)),
            lambda: on.arbiter.kill(name),
            lambda: on.arbiter.set_config(name, dataclasses.replace(config, env={"A": str(choose.random())})),
            lambda: on.arbiter.set_config(name, dataclasses.replace(config, priority=choose.randrange(9))),
            lambda: on.arbiter.apply(stack, roll=choose.random() < 0.5),
        ]
        return choose.choice(actions)()

    async def act(on: Stage) -> None:
        for _ in range(30):
            try:
                one(on)
            except CircusStackError as error:
                assert not isinstance(error, IllegalStepError), error
            await asyncio.sleep(choose.random() * 0.06)
        on.arbiter.request_quit()
        assert on.run is not None
        await on.run
        assert descendants() == []
        assert set(on.arbiter.statuses().values()) == {WatcherState.STOPPED}

    with caplog.at_level(logging.DEBUG):
        play(stack, tmp_path, act)
    broken = [each for each in caplog.records if each.exc_info and not str(each.msg).startswith("%s: its hook")]
    assert broken == []
    # A step that a life cycle lacks would be an operation's error, told in a line.
    assert not [text for text in caplog.messages if re.search(r"that is \w+ cannot ", text)]
