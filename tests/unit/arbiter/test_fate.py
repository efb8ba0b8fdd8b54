"""What a change of the configuration means for a watcher."""

from __future__ import annotations

import pytest

from circus_stack.arbiter.fate import Fate, decide_fate
from circus_stack.config.option import Change
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReloadMode
from circus_stack.states import WatcherState

ROLL = {"cmd": Change.ROLL}
SCALE = {"numprocesses": Change.SCALE}


def fate(
    changes: dict[str, Change],
    state: WatcherState = WatcherState.ACTIVE,
    *,
    lost_socket: bool = False,
    roll: bool = False,
    **options: object,
) -> Fate:
    config = WatcherConfig(name="web", **options)  # type: ignore[arg-type]
    return decide_fate(config, config, changes, state, lost_socket=lost_socket, roll=roll)


def test_nothing_changed() -> None:
    assert fate({}) is Fate.KEEP


def test_a_roll_of_an_unchanged_watcher() -> None:
    assert fate({}, roll=True) is Fate.ROLL


def test_a_service_is_left_alone_by_a_roll() -> None:
    assert fate({}, roll=True, singleton=True) is Fate.KEEP


def test_a_changed_service_is_restarted() -> None:
    assert fate(ROLL, roll=True, singleton=True) is Fate.RESTART


def test_a_singleton_on_a_socket_rolls() -> None:
    assert fate(ROLL, singleton=True, use_sockets=True) is Fate.ROLL


def test_a_lost_socket_replaces() -> None:
    assert fate({}, lost_socket=True) is Fate.ROLL


def test_another_number_only_adjusts() -> None:
    assert fate(SCALE) is Fate.ADJUST


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (ReloadMode.HUP, Fate.HANG_UP),
        (ReloadMode.RESTART, Fate.RESTART),
        (ReloadMode.NAMED, Fate.KEEP),
        (ReloadMode.NONE, Fate.KEEP),
    ],
)
def test_the_mode_decides_what_a_roll_does(mode: ReloadMode, expected: Fate) -> None:
    assert fate({}, roll=True, reload_mode=mode) is expected


@pytest.mark.parametrize("state", [WatcherState.STOPPED, WatcherState.STOPPING])
def test_a_stopped_watcher_stays_stopped(state: WatcherState) -> None:
    assert fate(ROLL, state, roll=True) is Fate.ADJUST


def test_a_failed_watcher_is_tried_again() -> None:
    assert fate({}, WatcherState.FAILED, roll=True) is Fate.RESTART
