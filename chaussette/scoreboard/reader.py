"""What a scoreboard says now, read by another process: no lock, no system call, nothing that a worker would notice."""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path
from typing import NamedTuple

from chaussette.scoreboard import layout
from chaussette.scoreboard.layout import State

# A slot that changes hands at each of so many looks is left out of the snapshot.
_LOOKS = 4
# Workers of which the last look is kept, 2 KB each. More of them are read as if for the first time.
_KEPT = 2048


# Tuples, since a thousand are made at each look: a frozen dataclass takes several times as long.
class SlotSnapshot(NamedTuple):
    """One worker's words. Times named `..._ns` are CLOCK_MONOTONIC; `statuses` are responses without a legal status,
    then of 1xx to 5xx; `buckets` are those of `histogram`."""

    slot: int
    generation: int
    pid: int
    state: State
    started_ns: int
    heartbeat_ns: int
    timeout_ms: int
    requests: int
    in_flight: int
    sent: int
    accepted: int
    latency_ns: int
    failures: int
    statuses: tuple[int, ...]
    buckets: tuple[int, ...]


class Snapshot(NamedTuple):
    """All workers that have attached, at one time (CLOCK_MONOTONIC, ns)."""

    at_ns: int
    slots: tuple[SlotSnapshot, ...]

    def by_pid(self) -> dict[int, SlotSnapshot]:
        """The same, by the pid of the worker."""
        return {each.pid: each for each in self.slots}


class Reader:
    """Maps a scoreboard for reading: `/proc/PID/fd/N` of the arbiter, as the command `globaloptions` names it, or a
    descriptor. The mapping lives on when the arbiter is gone, with what its workers write."""

    def __init__(self, source: str | os.PathLike[str] | int) -> None:
        """Raises OSError where it cannot be opened, ValueError where it is no scoreboard that this code can read."""
        fd = os.dup(source) if isinstance(source, int) else os.open(Path(source), os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(fd).st_size
            if size < layout.HEADER_BYTES:
                raise ValueError(f"{source}: this is no scoreboard")
            self._map = mmap.mmap(fd, size, prot=mmap.PROT_READ)
        finally:
            os.close(fd)
        self._words = memoryview(self._map).cast("q")
        # Of the look before, by slot: its words without the heartbeat, and what they have told.
        self._known: dict[int, tuple[list[int], SlotSnapshot]] = {}
        try:
            self._check(source, size)
        except ValueError:
            self.close()
            raise

    def _check(self, source: object, size: int) -> None:
        words = self._words
        if words[layout.H_MAGIC] != layout.MAGIC:
            raise ValueError(f"{source}: this is no scoreboard")
        if words[layout.H_FORMAT] != layout.FORMAT:
            raise ValueError(f"{source}: format {words[layout.H_FORMAT]}; this code reads {layout.FORMAT}")
        self._slots = (size - layout.HEADER_BYTES) // layout.SLOT_BYTES

    def snapshot(self) -> Snapshot:
        """Everything as it is now."""
        at_ns = time.monotonic_ns()
        used = min(max(self._words[layout.H_USED], 0), self._slots)
        first = layout.HEADER_BYTES // layout.WORD_BYTES + layout.PID
        # Only where somebody has attached: how many are used may be forged, and to read all 16384 slots takes 60 ms.
        pids = self._words[first : first + used * layout.SLOT_WORDS : layout.SLOT_WORDS].tolist()
        found = (self._slot(number) for number, pid in enumerate(pids) if pid > 0)
        return Snapshot(at_ns, tuple(each for each in found if each is not None))

    def _slot(self, number: int) -> SlotSnapshot | None:
        base = (layout.HEADER_BYTES + number * layout.SLOT_BYTES) // layout.WORD_BYTES
        if not self._words[base] % 2:
            return None
        for _ in range(_LOOKS):
            # Each item is loaded by itself, whole: a copy of the bytes could tear a word.
            words = self._words[base : base + layout.SLOT_WORDS].tolist()
            if words[layout.GENERATION] == self._words[base]:
                return self._read(number, words)
        return None

    def _read(self, number: int, words: list[int]) -> SlotSnapshot | None:
        """What the words tell. Most workers are idle: all but their heartbeats is as it was, and isn't made anew."""
        heartbeat, words[layout.HEARTBEAT] = words[layout.HEARTBEAT], 0
        known = self._known.get(number)
        if known is None or known[0] != words:
            made = _snapshot(number, words)
            if made is None:
                return None
            if known is not None or len(self._known) < _KEPT:
                self._known[number] = words, made
        else:
            made = known[1]
        return made._replace(heartbeat_ns=heartbeat) if 0 <= heartbeat <= layout.ABSURD else None

    def close(self) -> None:
        """Map it no longer."""
        self._words.release()
        self._map.close()


def _snapshot(number: int, words: list[int]) -> SlotSnapshot | None:
    if not words[layout.GENERATION] % 2 or words[layout.PID] <= 0:
        return None
    if min(words) < 0 or max(words) > layout.ABSURD:
        # No worker counts like that: somebody has written over it.
        return None
    state = words[layout.STATE]
    statuses = tuple(words[layout.STATUSES : layout.STATUSES + layout.STATUS_CLASSES])
    requests = layout.bounded(sum(statuses))
    return SlotSnapshot(
        slot=number,
        generation=words[layout.GENERATION],
        pid=words[layout.PID],
        # A worker can write what it likes into its words.
        state=State(state) if state in State._value2member_map_ else State.NONE,
        started_ns=words[layout.STARTED],
        heartbeat_ns=words[layout.HEARTBEAT],
        timeout_ms=words[layout.TIMEOUT],
        requests=requests,
        # One may have begun and ended while the words were read.
        in_flight=max(0, words[layout.BEGUN] - requests),
        sent=words[layout.SENT],
        accepted=words[layout.ACCEPTED],
        latency_ns=words[layout.LATENCY],
        failures=words[layout.FAILURES],
        statuses=statuses,
        buckets=tuple(words[layout.BUCKETS :]),
    )
