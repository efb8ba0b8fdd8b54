"""What a change of the configuration means for each watcher. Pure: the reconfiguration carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from circus_stack.config.option import Change
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReloadMode
from circus_stack.states import WatcherState


class Fate(StrEnum):
    """What happens to one watcher that stays."""

    KEEP = "keep"
    ADJUST = "adjust"
    ROLL = "roll"
    RESTART = "restart"
    HANG_UP = "hang up"


def decide_fate(
    old: WatcherConfig,
    new: WatcherConfig,
    changes: Mapping[str, Change],
    state: WatcherState,
    *,
    lost_socket: bool,
    roll: bool,
    is_done: bool = False,
) -> Fate:
    """`changes` are the fields in which `new` differs; `lost_socket`: a descriptor that it uses is another one now;
    `roll`: let it take over a new state of the world although nothing in its configuration changed;
    `is_done`: it runs once, and has done its work, or it waits for its next run."""
    if old.schedule is not None and new.schedule is not None:
        # From the next run on: one that is under way is not cut off for it.
        return Fate.ADJUST if changes else Fate.KEEP
    must_replace = lost_socket or Change.ROLL in changes.values()
    if state is WatcherState.FAILED and (must_replace or roll):
        return Fate.RESTART
    if is_done and Change.ROLL in changes.values():
        return Fate.RESTART
    if state not in (WatcherState.STARTING, WatcherState.ACTIVE):
        return Fate.ADJUST if changes else Fate.KEEP
    cannot_overlap = old.cannot_overlap or new.cannot_overlap
    if must_replace:
        return Fate.RESTART if cannot_overlap or new.reload_mode is ReloadMode.RESTART else Fate.ROLL
    if roll and not cannot_overlap:
        by_mode = _BY_MODE[new.reload_mode]
        return Fate.ADJUST if by_mode is Fate.KEEP and changes else by_mode
    return Fate.ADJUST if changes else Fate.KEEP


_BY_MODE = {
    ReloadMode.ROLLING: Fate.ROLL,
    ReloadMode.RESTART: Fate.RESTART,
    ReloadMode.HUP: Fate.HANG_UP,
    ReloadMode.NAMED: Fate.KEEP,
    ReloadMode.NONE: Fate.KEEP,
}
