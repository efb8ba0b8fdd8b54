"""Where and how a stack runs, beside its configuration. Data only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from circus_stack.config.schema import StackConfig
from circus_stack.daemon.handover.program import Program
from circus_stack.events import Event
from circus_stack.protocol.rundir import RuntimePaths
from circus_stack.streams.drops import Dropped
from circus_stack.streams.lane import Lane


class Setting(Struct, frozen=True, kw_only=True):
    """Where and how a stack runs, beside its configuration.

    `read` reads the configuration again, from the same sources; `rereads_on_hup` is what SIGHUP does in `serve`, while
    `circusd` only rolls. `stdout` and `stderr` take the output of processes that no stream option sends elsewhere.
    `on_bound` is called when every address is bound and nothing is started yet, `on_up` when everything has come up or
    was given up; `on_event` sees each event, `on_drop` hears of lost lines. `alongside` runs beside the arbiter until
    its end and may call what it is given: read the configuration again and roll. `program` is what an upgrade executes;
    without it there is none. `adopts`: take over what an arbiter that was killed has left, or else end it.
    `is_embedded`: the process is somebody
    else's program, whose own children are neither reaped nor ended, and whose signals are answered in its main thread
    alone.
    """

    paths: RuntimePaths
    state_dir: Path
    source: str
    read: Callable[[], StackConfig]
    environ: Mapping[str, str]
    rereads_on_hup: bool
    is_embedded: bool = False
    adopts: bool = True
    stdout: Lane | None = None
    stderr: Lane | None = None
    on_event: Callable[[Event], None] = lambda _event: None
    on_up: Callable[[], None] = lambda: None
    on_drop: Callable[[Dropped], None] = lambda _dropped: None
    on_bound: Callable[[], None] = lambda: None
    program: Program | None = None
    alongside: Callable[[Callable[[], Awaitable[object]]], Coroutine[Any, Any, None]] | None = None
