"""From the parts of a running daemon to the whole record, and what the next one reads out of it first. Looks only."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from msgspec import Struct

from circus_stack import __version__
from circus_stack.arbiter.arbiter import Arbiter
from circus_stack.daemon.handover.record import ControlRecord, HandoverRecord, PlaceRecord
from circus_stack.daemon.setting import Setting
from circus_stack.events import ArbiterUpgraded
from circus_stack.streams.streams import Streams
from circus_stack.system.notify import NotifySocket
from circus_stack.system.open_files import given_limits
from circus_stack.system.rundir import RuntimeDirectory


class Whole(Struct, frozen=True, kw_only=True):
    """Everything that has a state. `control` gives that of the endpoints, as they are now,
    `aides` programs of ours that are no processes of the stack, and are to outlive this arbiter."""

    setting: Setting
    runtime: RuntimeDirectory
    notify: NotifySocket
    arbiter: Arbiter
    streams: Streams
    control: Callable[[], ControlRecord]
    started_at: float
    ledger_lock_fd: int | None
    aides: Callable[[], frozenset[int]]
    scoreboard_fd: int | None = None

    def state(self) -> HandoverRecord:
        """The record."""
        return HandoverRecord(
            pid=os.getpid(),
            version=__version__,
            arbiter=self.arbiter.state(),
            streams=self.streams.state(),
            control=self.control(),
            place=self._place(),
        )

    def _place(self) -> PlaceRecord:
        return PlaceRecord(
            runtime_dir=str(self.setting.paths.directory),
            state_dir=str(self.setting.state_dir),
            lock_fd=self.runtime.lock_fd,
            notify_fd=self.notify.fd,
            notify_path_fd=self.notify.path_fd,
            given_limits=given_limits(),
            started_at=self.started_at,
            ledger_lock_fd=self.ledger_lock_fd,
            scoreboard_fd=self.scoreboard_fd,
        )


def notify_fds(record: HandoverRecord | None) -> tuple[int, int] | None:
    """The notify socket and the descriptor of its file, where they were handed over."""
    place = None if record is None else record.place
    return None if place is None else (place.notify_fd, place.notify_path_fd)


def started_at(record: HandoverRecord | None) -> float:
    """When the stack was started, in seconds since the epoch."""
    place = None if record is None else record.place
    return time.time() if place is None else place.started_at


def upgraded(record: HandoverRecord) -> ArbiterUpgraded:
    """The news that this arbiter goes on where that of the record was."""
    count = sum(1 for _ in record.arbiter.pids())
    return ArbiterUpgraded(
        watcher="circus", time=time.time(), old_version=record.version, version=__version__, processes=count
    )
