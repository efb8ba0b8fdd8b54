"""Keeps a ledger as new as the truth: looks at what has changed at most once a turn of the loop, and writes that.

Nothing is decided from what is written here as long as the arbiter lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct, field
from msgspec.structs import replace

from circus_stack.arbiter.adoption.facts import (
    DECLARED,
    GROUPS,
    HEAD,
    JOB,
    PROCESS,
    RELEASED,
    SOCKET,
    SPARED,
    WATCHER,
    Head,
    JobFact,
    ProcessFact,
    ReleasedFact,
    SocketFact,
    WatcherFact,
)
from circus_stack.arbiter.adoption.ledger import Ledger
from circus_stack.arbiter.adoption.safekeeping import Safekeeping
from circus_stack.arbiter.control_groups import ControlGroupsRecord
from circus_stack.arbiter.handover.keeping import process_state, watcher_state
from circus_stack.arbiter.handover.record import SocketRecord
from circus_stack.arbiter.jobs import Job
from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.means import Capture
from circus_stack.arbiter.process import Process
from circus_stack.arbiter.sockets import ListeningSocket
from circus_stack.config.schema import StackConfig
from circus_stack.events import Event, ProcessKilled, ProcessReady, ProcessReaped, ProcessUnready
from circus_stack.states import ProcessState
from circus_stack.system.foreign_fds import fd_name
from circus_stack.system.process_stamp import stamp_of

# Where so many start at once, how those beyond them got on is written when no other one has started for so long, or at
# the latest so long after the first of them, lest hundreds wait for it. Until then the next arbiter would know them by
# the pipes and markers that were noted before.
_FEW = 8
_CALM_S, _AT_THE_LATEST_S = 0.05, 1.0
# Ready so soon means that nothing was waited for, so that whoever adopts it takes it for ready anyway.
_AT_ONCE_S = 0.001

_OF_A_PROCESS = (ProcessReady, ProcessUnready, ProcessKilled, ProcessReaped)


class Books(Struct, frozen=True):
    """Where the truth stands: looked up each time. `all_keepers` are also those of watchers on their way out."""

    keepers: Callable[[], Iterable[Keeper]]
    all_keepers: Callable[[], Iterable[Keeper]]
    sockets: Mapping[str, ListeningSocket]
    declared: Callable[[], StackConfig]
    released: Callable[[], Iterable[int]]
    spared_tokens: Callable[[], Iterable[str]]
    control_groups: Callable[[], ControlGroupsRecord]
    jobs: Callable[[], Iterable[Job]]
    is_quitting: Callable[[], bool]


class Start(Struct, frozen=True):
    """What is known of a process from before its start on."""

    watcher: str
    pipes: Mapping[str, str]
    started: int = 0
    # Our ends of them, by name.
    fds: Mapping[str, int] = field(default_factory=dict)


class _Fresh(Struct):
    """Processes that have just started and are not written yet; when the first of them and the newest of all did, by
    the loop's clock; how many have started without a pause; whether a timer runs."""

    pids: set[int] = field(default_factory=set)
    since: float = 0.0
    newest: float = 0.0
    in_a_row: int = 0
    is_awaited: bool = False


class Bookkeeper:
    """Writes down what it sees. `note_starts` comes before the start of processes, `note_started` or
    `note_no_start` after it, `follow` with each event, `look`
    whenever anything may have changed."""

    def __init__(self, ledger: Ledger, head: Head, loop: asyncio.AbstractEventLoop, safekeeping: Safekeeping) -> None:
        self._ledger = ledger
        self._safekeeping = safekeeping
        self._head = head
        self._loop = loop
        self._books: Books | None = None
        self._is_due = False
        # By token; of those that are about to start, and of those that live.
        self._starts: dict[str, Start] = {}
        self._tokens: dict[int, str] = {}
        self._changed: set[int] = set()
        self._fresh = _Fresh()
        self._declared: StackConfig | None = None
        # What was written, by kind and name.
        self._last: dict[str, Mapping[str, object]] = {}

    def open(self, books: Books, starts: Mapping[str, Start]) -> None:
        """Begin to write, with all that is: `starts` by token are of processes that were taken over."""
        self._books = books
        self._starts = dict(starts)
        for token, start in starts.items():
            self._safekeeping.note_pipes(token, start.fds)
        for keeper in books.keepers():
            for process in keeper.watcher.processes.values():
                self._tokens[process.pid] = process.token
                self._changed.add(process.pid)
        self._ledger.rewrite()
        self._write()
        self._safekeeping.open()

    # -- what is told -----------------------------------------------------------------------------------------

    def note_starts(self, watcher: str, starts: Sequence[tuple[Process, Capture]]) -> None:
        """Processes are about to start: should the arbiter be killed before it knows a pid, its pipes tell who it
        is."""
        facts = {}
        for process, capture in starts:
            ends = capture.our_ends()
            # Both ends of a pipe have the same name.
            pipes: dict[str, str] = {stream: fd_name(fd) for stream, fd in ends.items()}
            start = self._starts[process.token] = Start(watcher, pipes)
            self._safekeeping.note_pipes(process.token, dict(zip(pipes.values(), ends.values(), strict=True)))
            facts[PROCESS + process.token] = _starting_fact(start, process)
        self._ledger.put_all(facts)

    def note_started(self, token: str, pid: int) -> None:
        """It runs."""
        self._tokens[pid] = token
        now, fresh = self._loop.time(), self._fresh
        fresh.in_a_row = 1 if now - fresh.newest > _CALM_S else fresh.in_a_row + 1
        fresh.newest = now
        start = self._starts.get(token)
        if fresh.in_a_row <= _FEW or start is None or not start.pipes:
            self._changed.add(pid)
            return
        if not fresh.pids:
            fresh.since = now
        if not fresh.is_awaited:
            fresh.is_awaited = True
            self._loop.call_later(_CALM_S, self._write_fresh)
        fresh.pids.add(pid)

    def note_no_start(self, token: str) -> None:
        """It could not be started."""
        self._starts.pop(token, None)
        self._safekeeping.forget(token)
        self._ledger.drop(PROCESS + token)

    def follow(self, event: Event) -> None:
        """An event was published: see what it has changed."""
        if isinstance(event, _OF_A_PROCESS) and not self._is_at_once(event):
            self._fresh.pids.discard(event.process_pid)
            self._changed.add(event.process_pid)
        self.look()

    def _is_at_once(self, event: Event) -> bool:
        """Whether a process that was just started is ready because nobody waits for anything."""
        return isinstance(event, ProcessReady) and event.after_s < _AT_ONCE_S and event.process_pid in self._fresh.pids

    def _write_fresh(self) -> None:
        fresh = self._fresh
        calm_at = min(fresh.newest + _CALM_S, fresh.since + _AT_THE_LATEST_S)
        if self._loop.time() < calm_at:
            self._loop.call_at(calm_at, self._write_fresh)
            return
        self._changed |= fresh.pids
        fresh.pids.clear()
        fresh.is_awaited = False
        self._write()

    def look(self) -> None:
        """See what has changed in the loop's next turn, once, however often this is asked for until then."""
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._look_now)

    def _look_now(self) -> None:
        self._is_due = False
        self._write()

    # -- what is written --------------------------------------------------------------------------------------

    def _write(self) -> None:
        books = self._books
        if books is None:
            return
        self._ledger.put(HEAD, replace(self._head, is_quitting=books.is_quitting()))
        if books.declared() is not self._declared:
            self._declared = books.declared()
            self._ledger.put(DECLARED, self._declared)
        self._put_all(WATCHER, {each.name: _watcher_fact(each) for each in books.keepers()})
        self._write_sockets({name: each.state() for name, each in books.sockets.items()})
        self._put_all(JOB, {job.id: JobFact(command=job.command, watchers=job.watchers) for job in books.jobs()})
        self._put_all(RELEASED, _released(books.released()))
        self._put_all(SPARED, dict.fromkeys(books.spared_tokens(), True))
        groups = books.control_groups()
        self._put_all(GROUPS, {"": groups} if groups.known else {})
        self._write_processes(tuple(books.all_keepers()))

    def _put_all(self, kind: str, facts: Mapping[str, object]) -> None:
        last, self._last[kind] = self._last.get(kind, {}), facts
        for name in last:
            if name not in facts:
                self._ledger.drop(kind + name)
        for name, fact in facts.items():
            # Compared first: a configuration that is the same object costs nothing then, and much to encode.
            if last.get(name) != fact:
                self._ledger.put(kind + name, fact)

    def _write_sockets(self, records: Mapping[str, SocketRecord]) -> None:
        facts = {name: self._socket_fact(name, record) for name, record in records.items()}
        if facts != self._last.get(SOCKET):
            self._safekeeping.note_sockets({name: fd for each in facts.values() for fd, name in each.names.items()})
        self._put_all(SOCKET, facts)

    def _socket_fact(self, name: str, record: SocketRecord) -> SocketFact:
        last = self._last.get(SOCKET, {}).get(name)
        if isinstance(last, SocketFact) and last.record == record and record.lanes is None:
            return last
        return SocketFact(record=record, names={fd: fd_name(fd) for fd in record.fds()})

    def _write_processes(self, keepers: Iterable[Keeper]) -> None:
        changed, self._changed = self._changed, set()
        for pid in changed:
            found = next(
                ((each, each.watcher.processes[pid]) for each in keepers if pid in each.watcher.processes), None
            )
            if found is None:
                self._forget(pid)
            else:
                self._write_process(*found)

    def _write_process(self, keeper: Keeper, process: Process) -> None:
        token = self._tokens[process.pid]
        start = self._starts.get(token)
        if start is None or process.state is ProcessState.EXITED:
            # Of a leader that is gone nothing can be adopted; what is left of its group has its marker.
            self._forget(process.pid)
            return
        if not start.started:
            stamp = stamp_of(process.pid)
            start = self._starts[token] = replace(start, started=0 if stamp is None else stamp.started)
        self._safekeeping.note_process(token, process.pid)
        fact = ProcessFact(
            watcher=start.watcher,
            record=process_state(keeper, process),
            started=start.started,
            pipes=start.pipes,
        )
        self._ledger.put(PROCESS + token, fact)

    def _forget(self, pid: int) -> None:
        token = self._tokens.pop(pid, None)
        if token is not None:
            self._starts.pop(token, None)
            self._safekeeping.forget(token)
            self._ledger.drop(PROCESS + token)


def _starting_fact(start: Start, process: Process) -> Mapping[str, object]:
    """A `ProcessFact` with what is not as it is by default, which is all that there is to encode for hundreds."""
    record = {
        "pid": 0,
        "wid": process.wid,
        "generation": process.generation,
        "spawned_at": process.spawned_at,
        "started_at": process.started_at,
        "state": process.state,
        "lane": process.lane,
        "token": process.token,
        "post": process.post,
    }
    return {"watcher": start.watcher, "record": record, "pipes": start.pipes}


def _watcher_fact(keeper: Keeper) -> WatcherFact:
    record = watcher_state(keeper)
    if record.health.patients:
        # The time of each probe would be a line each.
        patients = tuple(replace(each, checked_at=None) for each in record.health.patients)
        record = replace(record, health=replace(record.health, patients=patients))
    return WatcherFact(record=record, retiring=keeper.watcher.retiring)


def _released(pids: Iterable[int]) -> dict[str, ReleasedFact]:
    found = {}
    for pid in pids:
        with suppress(OSError):
            stamp = stamp_of(pid)
            if stamp is not None:
                found[str(pid)] = ReleasedFact(pid=pid, started=stamp.started)
    return found
