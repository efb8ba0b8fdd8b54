"""`scale`: for a reason, of the number that was expected, and by the autoscaler only of a watcher at rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as replace_view

from circus_stack.arbiter.condition import Condition
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.scale_order import ScaleOrder, scale_events
from circus_stack.config.schema import WatcherConfig
from circus_stack.control.handlers.scaling import scale
from circus_stack.errors import CommandError
from circus_stack.events import ScalingHeld, ScalingResumed, WatcherScaled
from circus_stack.protocol.command import check_properties
from circus_stack.protocol.commands import COMMANDS
from circus_stack.scaling import ScaleRange
from circus_stack.states import ProcessState
from tests.support.fake_arbiter import FakeArbiter, view
from tests.unit.control.test_handlers import ask, make_desk

RANGE = ScaleRange(2, 4)


async def _for_ever() -> Outcome:
    await asyncio.Event().wait()
    return Outcome()


def arbiter(**more: Any) -> FakeArbiter:
    made = FakeArbiter(**more)
    made.configs["web"] = replace(made.configs["web"], scale_range=ScaleRange(2, 4))
    return made


def orders(made: FakeArbiter) -> list[ScaleOrder]:
    return [call[2] for call in made.calls if call[0] == "scale"]


def test_person_gives_any_number_and_a_reason() -> None:
    made = arbiter()
    assert "job" in ask("scale", made, name="WEB", numprocesses=9, reason="sale begins")
    assert orders(made) == [ScaleOrder(number=9, reason="sale begins")]


def test_number_that_was_not_expected_is_left_alone() -> None:
    made = arbiter()
    with pytest.raises(CommandError, match="web has 2 processes by now, not 3"):
        ask("scale", made, name="web", numprocesses=4, expected=3)
    assert not orders(made)


@pytest.mark.parametrize(
    ("name", "number", "told"), [("Big One", 2, "singleton"), ("web", 10_001, "at most 10000"), ("nobody", 1, "nobody")]
)
def test_what_may_not_be(name: str, number: int, told: str) -> None:
    with pytest.raises(Exception, match=told):
        ask("scale", arbiter(), name=name, numprocesses=number)


def test_autoscaler_is_let_within_the_range() -> None:
    made = arbiter()
    assert "job" in ask("scale", made, name="web", numprocesses=3, expected=2, automatic=True, dry_run=True)
    assert orders(made) == [ScaleOrder(number=3, expected=2, is_automatic=True, is_dry_run=True)]


def _no_range(made: FakeArbiter) -> None:
    made.configs["web"] = replace(made.configs["web"], scale_range=None)


def _beyond(made: FakeArbiter) -> None:
    made.targets["web"] = 7


def _changing(made: FakeArbiter) -> None:
    made.is_reconfiguring = True


def _failing(made: FakeArbiter) -> None:
    made.conditions["web"] = Condition(failures=2)


def _missing(made: FakeArbiter) -> None:
    made.pids["web"] = [view(11)]


def _leaving(made: FakeArbiter) -> None:
    made.pids["web"] = [view(11), view(12), replace_view(view(13), state=ProcessState.STOPPING)]


def _stopped(made: FakeArbiter) -> None:
    made.configs["Big One"] = replace(made.configs["web"], name="Big One")
    made.configs["web"], made.targets["Big One"] = made.configs["Big One"], 2


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (_no_range, "it has no range"),
        (_beyond, "its 7 processes are beyond the range 2..4, and whoever asked for them is obeyed"),
        (_changing, "the configuration is being changed"),
        (_failing, "its processes fail, 2 times in a row"),
        (_missing, "1 of 2 processes are ready"),
        (_leaving, "processes of before are on their way out"),
        (_stopped, "it is stopped"),
    ],
)
def test_autoscaler_has_to_wait(prepare: Callable[[FakeArbiter], None], told: str) -> None:
    made = arbiter()
    prepare(made)
    with pytest.raises(CommandError, match=f"is not scaled: {told}"):
        ask("scale", made, name=made.configs["web"].name, numprocesses=3, automatic=True)
    assert not orders(made)


def test_autoscaler_has_to_wait_for_other_operations() -> None:
    made = arbiter(work=_for_ever)

    async def run() -> None:
        task = made.reload(None)
        properties = check_properties(
            COMMANDS["scale"], {"name": "web", "numprocesses": 3, "reason": "busy", "automatic": True}
        )
        with pytest.raises(CommandError, match="web is not scaled: reload is under way"):
            scale(make_desk(made), properties)
        task.cancel()

    asyncio.run(run())


def test_autoscaler_does_not_leave_the_range() -> None:
    with pytest.raises(CommandError, match=r"5 is beyond the range 2\.\.4"):
        ask("scale", arbiter(), name="web", numprocesses=5, automatic=True)


def test_status_tells_the_range() -> None:
    watchers = ask("status", arbiter(), extended=True)["watchers"]
    assert (watchers["web"]["range"], watchers["Big One"]["range"]) == ({"least": 2, "most": 4}, None)


# -- what is told ---------------------------------------------------------------------------------------------


def config(number: int, found: ScaleRange | None = RANGE) -> WatcherConfig:
    return WatcherConfig(name="web", cmd="x", numprocesses=number, scale_range=found)


def scaled(old: int, new: int, reason: str, *, automatic: bool = False) -> WatcherScaled:
    return WatcherScaled(watcher="web", time=1.0, old=old, new=new, reason=reason, automatic=automatic, dry_run=False)


def test_change_of_a_number_within_the_range() -> None:
    order = ScaleOrder(number=3, reason="busy 90% > 80%", is_automatic=True)
    assert list(scale_events(config(2), config(3), 1.0, order)) == [scaled(2, 3, "busy 90% > 80%", automatic=True)]
    assert list(scale_events(config(2), config(3), 1.0)) == [scaled(2, 3, "somebody asked for it")]
    assert list(scale_events(config(2), config(2), 1.0)) == []


def test_without_a_range_only_what_has_a_reason_is_told() -> None:
    assert list(scale_events(config(2, None), config(3, None), 1.0)) == []
    order = ScaleOrder(number=3, reason="sale begins")
    assert list(scale_events(config(2, None), config(3, None), 1.0, order)) == [scaled(2, 3, "sale begins")]


def test_number_beyond_the_range_is_told_and_so_is_its_end() -> None:
    _, held = scale_events(config(2), config(9), 1.0)
    assert isinstance(held, ScalingHeld)
    assert held.reason == "9 processes are beyond the range 2..4: whoever asked for them is obeyed"
    assert len(list(scale_events(config(9), config(8), 1.0))) == 2
    _, resumed = scale_events(config(9), config(4), 1.0)
    assert isinstance(resumed, ScalingResumed)
    assert [type(each) for each in scale_events(config(9), config(9, ScaleRange(2, 12)), 1.0)] == [ScalingResumed]
    assert list(scale_events(config(9), config(9, None), 1.0)) == []
