"""What was changed while the stack ran, and what becomes of it when the file is read again. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from circus_stack.config.diff import diff
from circus_stack.config.runtime import merge_file
from circus_stack.config.schema import StackConfig, WatcherConfig


def running_stack(declared: StackConfig, running: Mapping[str, WatcherConfig]) -> StackConfig:
    """What holds now: the file as it was read last, with the watchers that there are."""
    return dataclasses.replace(declared, watchers=tuple(running.values()))


def merged_stack(declared: StackConfig, running: Mapping[str, WatcherConfig], now: StackConfig) -> StackConfig:
    """What is to hold once `now` was read: its watchers, with what an operator changed since `declared` was read.

    A field stays as the operator set it unless the file changed that very field; a watcher that was removed stays away
    unless the file changed it; one that was added stays, unless the file has one of that name now.
    """
    before = {each.name: each for each in declared.watchers}
    found = []
    for each in now.watchers:
        old, own = before.get(each.name), running.get(each.name)
        if old is None:
            found.append(each)
        elif own is not None:
            found.append(merge_file(old, own, each))
        elif old != each:
            found.append(each)
    taken = {each.name.lower() for each in now.watchers}
    found += [own for name, own in running.items() if name not in before and name.lower() not in taken]
    return dataclasses.replace(now, watchers=tuple(found))


def kept_lines(now: StackConfig, merged: StackConfig) -> tuple[str, ...]:
    """One line for each thing that stays though the file says otherwise."""
    kept = diff(now, merged)
    lines = [f"= [watcher:{name}] stays: it was added at run time" for name in kept.watchers_added]
    lines += [f"= [watcher:{name}] stays away: it was removed at run time" for name in kept.watchers_removed]
    for changed in kept.watchers_changed:
        lines += [f"= [watcher:{changed.name}] {each} (set at run time, stays)" for each in changed.fields]
    return tuple(lines)
