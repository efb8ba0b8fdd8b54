"""What of an arbiter is under way and could not be carried on by another one: asked before it hands over. Pure looks.

An operation acts on a watcher only while it has the watcher's turn, while it holds a start, or in a sequence with
hooks. What is left of it after that is a wait for processes to serve or to end, which may last for ever and changes
nothing: that need not be waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from circus_stack.arbiter.keeper import Keeper
from circus_stack.states import WatcherState


def under_way(keepers: Iterable[Keeper]) -> Iterator[str]:
    """What each watcher is busy with, in words; nothing for one that is at rest."""
    for keeper in keepers:
        reason = _reason(keeper)
        if reason:
            yield f"{keeper.name}: {reason}"


def _reason(keeper: Keeper) -> str:
    watcher, hooks = keeper.watcher, keeper.charge.hooks.under_way
    if hooks:
        return f"{hooks} is under way"
    if keeper.is_between_hooks:
        return "a process is between its hooks"
    if keeper.ends.orphans.is_busy:
        return "what a process has left behind is being ended"
    if keeper.is_on_trial:
        return "options that it was given are on trial"
    if watcher.retiring is not None or watcher.is_one_by_one:
        return "a reload is under way"
    if keeper.holder is not None:
        return "it waits for others to start"
    if keeper.turns.is_taken or watcher.state is WatcherState.STOPPING:
        return "it is stopping" if watcher.state is WatcherState.STOPPING else "an operation is under way"
    return ""
