"""What a handler of a command has on its desk: the collaborators of the control server. Data only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from circus_stack.config.schema import WatcherConfig
from circus_stack.control.sampler import Sampler
from circus_stack.control.steering import Reconfigure, Steering, Tail
from circus_stack.errors import CommandError, Errno, Problem


def no_labels(_watcher: str) -> Mapping[str, str]:
    """No watcher has anything to add to its statistics."""
    return {}


def no_scores(_slot: int) -> Mapping[str, int]:
    """There is no scoreboard."""
    return {}


class Saved(Struct, frozen=True):
    """The main file, what was changed in it and in those that it includes, and what no file can say: a line each.
    `files` are those that were written."""

    path: str
    changes: tuple[str, ...]
    unsaved: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


async def no_upgrade(_timeout_s: float, _on_prepared: Callable[[Mapping[str, object]], None]) -> None:
    """The arbiter is part of another program, which only that one could start anew."""
    raise CommandError("this arbiter runs inside another program: it cannot be upgraded in place", Errno.COMMAND_ERROR)


async def no_file() -> Saved:
    """There is no file to write to."""
    raise CommandError("this stack was not read from a file that could be written")


def no_shell() -> tuple[str | bool, str]:
    """There is no kernel to connect to."""
    return False, "debug is off: the arbiter offers no shell"


class Offices(Struct, frozen=True, kw_only=True):
    """What else stands behind the commands, each a function of the composition root.

    `global_options` gives what `globaloptions` sends beside the endpoint; `labels` what each process of a watcher shows
    beside its figures (`{"backend": "gevent"}`); `seq` the number of the newest event. `check_watcher` tells what of a
    watcher only the system can judge; `endpoint_owner` the user whom the endpoint belongs to. `dropped_lines` counts
    what of a watcher's output was dropped; `scores(slot)` tells the requests that a worker has served and is at.
    `open_shell` opens a kernel: its file, or False, and a message. `upgrade(timeout_s, on_prepared)` executes the
    arbiter anew: it tells `on_prepared` what is about to be, and comes back only with an error.
    """

    global_options: Callable[[], Mapping[str, object]] = dict
    labels: Callable[[str], Mapping[str, str]] = no_labels
    seq: Callable[[], int] = lambda: 0
    check_watcher: Callable[[WatcherConfig], Sequence[Problem]] = lambda _config: ()
    endpoint_owner: Callable[[], str | None] = lambda: None
    save: Callable[[], Awaitable[Saved]] = no_file
    upgrade: Callable[[float, Callable[[Mapping[str, object]], None]], Coroutine[Any, Any, None]] = no_upgrade
    dropped_lines: Callable[[str], int] = lambda _watcher: 0
    open_shell: Callable[[], tuple[str | bool, str]] = no_shell
    scores: Callable[[int], Mapping[str, int]] = no_scores


class Desk(Struct, frozen=True, kw_only=True):
    """Collaborators of all handlers; `closing` is set when the server is about to close."""

    arbiter: Steering
    tail: Tail
    sampler: Sampler
    reconfigure: Reconfigure
    offices: Offices = field(default_factory=Offices)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    epoch: Callable[[], float] = time.time
