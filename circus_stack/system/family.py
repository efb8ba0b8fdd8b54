"""What processes that have ended had started, wherever that went; and the end of all of it.

Everything here blocks, for some milliseconds a look: it is for a thread. One look is enough for many families.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from circus_stack.system.precedence import ahead_of_others
from circus_stack.system.process_table import (
    Entry,
    children_of,
    is_alive,
    read_entries,
    read_entry,
    read_environment,
    read_table,
    signal_entry,
)

# What SIGKILL hasn't ended by then hangs in the kernel.
KILLED_WITHIN_S = 10.0
# How long it may take to be certain that there is nobody, where others keep coming and going.
_CERTAIN_WITHIN_S = 2.0
# So many looks must find nobody, each of them certain.
_ENOUGH = 2
_SWITCH_S = 0.00005
_PAUSE_S = 0.005


def nobody() -> Collection[int]:
    """There is no control group to look into."""
    return ()


class Family(Struct, frozen=True):
    """How the descendants of one process, `leader`, are told: by its session, whose number is its pid, and by others
    that they have begun; by `token`, which stands in the environment that it was started with; because they were `seen`
    below it while it lived; because `grouped` lists them, the members of its control group; and because they descend
    from one of those."""

    leader: int
    token: str = ""
    seen: frozenset[tuple[int, int]] = frozenset()
    sessions: frozenset[int] = frozenset()
    grouped: Callable[[], Collection[int]] = field(default=nobody)


class Killed(Struct, frozen=True):
    """The pids of those that were ended, and of those that could not be."""

    gone: tuple[int, ...]
    left: tuple[int, ...]


class Sighting(Struct, frozen=True):
    """The living members of a family, its leader left out; some may have ended by now. Not `is_certain`: others may be
    there, who come and go faster than one can look."""

    members: list[Entry]
    is_certain: bool


class Kin:
    """Finds families. `tokens_in(environment)` gives the tokens in an environment as /proc shows it; `is_other(pid)`
    tells whether a number is a process of the arbiter's own: such a one has its own family, and is in no other.
    `reaped()` counts the orphans that this process, their subreaper, has reaped so far."""

    def __init__(
        self,
        tokens_in: Callable[[bytes], Iterable[str]],
        is_other: Callable[[int], bool],
        reaped: Callable[[], int] = lambda: 0,
    ) -> None:
        self._tokens_in = tokens_in
        self._is_other = is_other
        self._reaped = reaped

    def find(self, families: Sequence[Family]) -> list[Sighting]:
        """What can be seen of each family, and nobody is disturbed."""
        looks = _Looks(self._reaped, time.monotonic() + _CERTAIN_WITHIN_S)
        found: list[list[Entry]] = [[] for _ in families]
        while not (all(found) or looks.are_enough):
            for table in (self._own_orphans(), looks.take()):
                for known, members in zip(found, self._members(table, families), strict=True):
                    known += members
        return [Sighting(members, looks.are_certain) for members in found]

    def kill(self, families: Sequence[Family]) -> list[Killed]:
        """SIGKILL to all of them, however fast they grow: whoever is seen is stopped first, so that it starts nobody
        more, until a look finds nobody new. Ends when nobody can be found; bounded by KILLED_WITHIN_S."""
        deadline = time.monotonic() + KILLED_WITHIN_S
        hunted = [_Hunted(family) for family in families]
        with _brisk():
            self._kill_all(hunted, deadline)
        return [each.result() for each in hunted]

    def _kill_all(self, hunted: Sequence[_Hunted], deadline: float) -> None:
        looks = _Looks(self._reaped, deadline)
        strangers: set[tuple[int, int]] = set()
        while not looks.are_enough:
            stopped = self._stop_all(hunted, looks, strangers)
            for entry in stopped:
                signal_entry(entry, signal.SIGKILL)
            if stopped:
                looks = _Looks(self._reaped, deadline)
            _wait_gone(stopped, deadline)

    def _stop_all(self, hunted: Sequence[_Hunted], looks: _Looks, strangers: set[tuple[int, int]]) -> list[Entry]:
        """SIGSTOP to every member, until a look at all processes finds no new one; all of them."""
        stopped: dict[tuple[int, int], Entry] = {}
        while True:
            # Those that hand on to a child and end are our own children most of the time, and there is no time to lose.
            fresh = self._stop_orphans(hunted, stopped, strangers) or self._stop(looks.take(), hunted, stopped)
            if not fresh or looks.is_late:
                return list(stopped.values())

    def _stop_orphans(
        self, hunted: Sequence[_Hunted], stopped: dict[tuple[int, int], Entry], strangers: set[tuple[int, int]]
    ) -> bool:
        """`_stop` among our own children, each of them stopped before it is asked whose it is: one that lives for three
        milliseconds would be gone by then, and have a child. Who is of no family, one of `strangers`, goes on at once
        and is not held up again."""
        table: dict[int, Entry] = {}
        held: list[Entry] = []
        try:
            for pid in children_of(os.getpid()):
                entry = None if self._is_other(pid) else read_entry(pid)
                if entry is None:
                    continue
                table[pid] = entry
                is_known = entry.key in stopped or entry.key in strangers
                if not (is_known or entry.is_zombie or entry.is_stopped) and signal_entry(entry, signal.SIGSTOP):
                    held.append(entry)
            return self._stop(table, hunted, stopped)
        finally:
            for entry in held:
                if entry.key not in stopped:
                    signal_entry(entry, signal.SIGCONT)
                    strangers.add(entry.key)

    def _stop(
        self, table: Mapping[int, Entry], hunted: Sequence[_Hunted], stopped: dict[tuple[int, int], Entry]
    ) -> bool:
        """SIGSTOP to the members in this table that weren't stopped before; whether there were any."""
        before = len(stopped)
        for each, members in zip(hunted, self._members(table, [each.family for each in hunted]), strict=True):
            for entry in members:
                if entry.key not in stopped:
                    signal_entry(entry, signal.SIGSTOP)
                    stopped[entry.key] = entry
                    each.note(entry)
        return len(stopped) > before

    def _own_orphans(self) -> dict[int, Entry]:
        return read_entries(pid for pid in children_of(os.getpid()) if not self._is_other(pid))

    # -- whose is it ------------------------------------------------------------------------------------------

    def _members(self, table: Mapping[int, Entry], families: Sequence[Family]) -> list[list[Entry]]:
        """Those of a table that live, by family."""
        found: list[list[Entry]] = [[] for _ in families]
        for pid, index in self._owners(table, families).items():
            if not table[pid].is_zombie:
                found[index].append(table[pid])
        return found

    def _owners(self, table: Mapping[int, Entry], families: Sequence[Family]) -> dict[int, int]:
        """Pid -> the index of its family, of all that belong to one."""
        leaders = {family.leader for family in families}
        may_be_one = {
            entry.pid
            for entry in table.values()
            if entry.pid not in leaders and entry.pid != os.getpid() and not self._is_other(entry.pid)
        }
        owners = self._roots([table[pid] for pid in may_be_one], families)
        children: dict[int, list[int]] = {}
        for pid in may_be_one:
            children.setdefault(table[pid].parent, []).append(pid)
        waiting = list(owners)
        while waiting:
            parent = waiting.pop()
            for pid in children.get(parent, ()):
                if pid not in owners:
                    owners[pid] = owners[parent]
                    waiting.append(pid)
        return owners

    def _roots(self, entries: Iterable[Entry], families: Sequence[Family]) -> dict[int, int]:
        """Those that are told by something other than their parent."""
        sessions = {each: index for index, family in enumerate(families) for each in (family.leader, *family.sessions)}
        seen = {key: index for index, family in enumerate(families) for key in family.seen}
        grouped = {pid: index for index, family in enumerate(families) for pid in family.grouped()}
        tokens = {family.token: index for index, family in enumerate(families) if family.token}
        found: dict[int, int] = {}
        for entry in entries:
            index = grouped.get(entry.pid, sessions.get(entry.session, seen.get(entry.key)))
            if index is None and tokens and not entry.is_zombie:
                # Innermost first: an arbiter under ours has added its own.
                inner = (tokens.get(token) for token in self._tokens_in(read_environment(entry.pid)))
                index = next((each for each in inner if each is not None), None)
            if index is not None:
                found[entry.pid] = index
        return found


class _Looks:
    """Looks at all processes, and whether one may believe by now that there is nobody to be found.

    A process that ends after it was listed and before it was read may have left a child that was born too late to be
    listed. If it was one that we look for, its parent is found, or it was an orphan: then it is our own child, without
    an environment (which is lost just before the end) or a zombie, or we have reaped it. A look in whose course nothing
    of that was new is certain.
    """

    def __init__(self, reaped: Callable[[], int], deadline: float) -> None:
        self._reaped = reaped
        self._deadline = deadline
        self._doubtful: set[tuple[int, int]] = set()
        self._certain = 0

    @property
    def is_late(self) -> bool:
        return time.monotonic() >= self._deadline

    @property
    def are_certain(self) -> bool:
        return self._certain >= _ENOUGH

    @property
    def are_enough(self) -> bool:
        return self.are_certain or self.is_late

    def take(self) -> Mapping[int, Entry]:
        before = self._reaped()
        table = read_table()
        orphans = (entry for entry in table.values() if entry.parent == os.getpid())
        doubtful = {entry.key for entry in orphans if entry.is_zombie or not read_environment(entry.pid)}
        self._certain += doubtful <= self._doubtful and self._reaped() == before
        self._doubtful |= doubtful
        return table


class _Hunted:
    """A family that is being killed: it is known by more sessions from look to look."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._found: dict[tuple[int, int], Entry] = {}

    def note(self, entry: Entry) -> None:
        self._found[entry.key] = entry
        if entry.session != os.getsid(0) and entry.session not in self.family.sessions:
            # What it had started and lost again is in its session, if it is nowhere else.
            self.family = replace(self.family, sessions=self.family.sessions | {entry.session})

    def result(self) -> Killed:
        left = {entry.pid for entry in self._found.values() if is_alive(entry)}
        return Killed(tuple(sorted({pid for pid, _ in self._found} - left)), tuple(sorted(left)))


@contextlib.contextmanager
def _brisk() -> Iterator[None]:
    """Other threads hand the interpreter over at once. Each end of one that is hunted keeps the loop's thread busy; by
    default we may wait 5 ms for it between the sight of somebody and his stop, and some live no longer. Where it may
    be, nobody else gets the processor first either."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        with ahead_of_others():
            yield
    finally:
        sys.setswitchinterval(before)


def _wait_gone(entries: Collection[Entry], deadline: float) -> None:
    while any(map(is_alive, entries)) and time.monotonic() < deadline:
        time.sleep(_PAUSE_S)
