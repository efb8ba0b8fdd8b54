"""What a ledger says of an arbiter, a fact a noun: frozen values, read back as they were written. Nothing here acts.

They are those of `arbiter.handover.record`, but that descriptors are named by what they are (`socket:[INODE]`): numbers
mean nothing in another process. Each fact is written anew when it changes, so that what changes often stands alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from circus_stack.arbiter.handover.record import ProcessRecord, SocketRecord, WatcherRecord

FORMAT = 1

HEAD = "head"
DECLARED = "declared"
WATCHER, PROCESS, SOCKET, JOB, RELEASED = "watcher/", "process/", "socket/", "job/", "released/"
# The tokens of those whose strays may live on; and the control groups, of which there is one record.
SPARED, GROUPS = "spared/", "groups/"


class Head(Struct, frozen=True, kw_only=True):
    """What tells whether the rest means anything. `began` is the moment from which on each process of the stack that
    isn't in the ledger can only be missing from it, in clock ticks since the boot. `instance` is the id of the stack in
    the markers of its processes. `is_quitting`: everything was about to be stopped."""

    boot: str
    began: int
    source: str
    instance: str
    pid: int
    format: int = FORMAT
    is_quitting: bool = False


class WatcherFact(Struct, frozen=True, kw_only=True):
    """A watcher without its processes. `retiring`: the generation that a reload was about to replace."""

    record: WatcherRecord
    retiring: int | None = None


class ProcessFact(Struct, frozen=True, kw_only=True):
    """One process, or with pid 0 one that was about to start. `started` is in clock ticks since the boot; `pipes` are
    the names of those that its output goes through."""

    watcher: str
    record: ProcessRecord
    started: int = 0
    pipes: Mapping[str, str] = field(default_factory=dict)


class SocketFact(Struct, frozen=True, kw_only=True):
    """One listening socket; the descriptors in `record` are keys of `names`."""

    record: SocketRecord
    names: Mapping[int, str]


class JobFact(Struct, frozen=True, kw_only=True):
    """An operation that was under way."""

    command: str
    watchers: tuple[str, ...]


class ReleasedFact(Struct, frozen=True, kw_only=True):
    """A process that lives on as nobody's."""

    pid: int
    started: int
