"""One worker's own slot: attached at any time after its start, also after a fork; written by this process alone."""

from __future__ import annotations

import logging
import mmap
import os
import time
from collections.abc import Mapping, MutableMapping

from chaussette.errors import UsageError
from chaussette.scoreboard import layout
from chaussette.scoreboard.layout import State

# A worker that beats less often would tell a viewer nothing.
_MOST_BEAT_MS = 60_000
log = logging.getLogger("chaussette")

_AS_GIVEN: Mapping[int, int] = {}


class LostSlotError(ValueError):
    """There is a scoreboard, and what stands in it is not what we were told."""


class Slot:
    """`words` are those of the slot: what counts requests writes them directly. See `layout`.

    A count of one's own and then its word lose nothing among threads either as long as no call stands between: CPython
    lets another thread run at calls and at jumps backwards alone.
    """

    def __init__(self, fd: int, number: int, generation: int) -> None:
        """Map slot `number` of the file `fd`, and say that we are there. Raises OSError and ValueError where it is no
        scoreboard, LostSlotError where the slot is somebody else's by now, or somebody has written over it."""
        start = layout.HEADER_BYTES + number * layout.SLOT_BYTES
        page = start - start % mmap.ALLOCATIONGRANULARITY
        _check(fd, number)
        # Only the pages around it: what else this process may do wrong, it does to few others.
        self._map = mmap.mmap(fd, start - page + layout.SLOT_BYTES, offset=page)
        self.words = memoryview(self._map)[start - page :].cast("q")
        words = self.words
        if words[layout.GENERATION] != generation:
            raise LostSlotError(f"slot {number} of the scoreboard is no longer ours")
        self.generation = generation
        self._accepted = 0
        # Looked at once: others could write something else there.
        self.beat_interval_s = min(max(words[layout.BEAT], 0), _MOST_BEAT_MS) / 1000
        """How often the arbiter wants to see that the loop turns, in seconds; 0: not at all."""
        words[layout.STARTED] = time.monotonic_ns()
        words[layout.STATE] = State.STARTING
        words[layout.PID] = os.getpid()

    def beat(self) -> None:
        """The loop turns."""
        if self._is_ours():
            self.words[layout.HEARTBEAT] = time.monotonic_ns()

    def say(self, state: State) -> None:
        """What the worker does from now on; may be called in a signal handler."""
        if self._is_ours():
            self.words[layout.STATE] = state

    def accepted(self) -> None:
        """One more connection. What stands there is not read: another worker may have written it."""
        self._accepted += 1
        words = self.words
        if words[layout.GENERATION] == self.generation:
            words[layout.ACCEPTED] = self._accepted

    def _is_ours(self) -> bool:
        # The program that started us may have ended before us: then the slot is another worker's.
        return self.words[layout.GENERATION] == self.generation


def _check(fd: int, number: int) -> None:
    if os.fstat(fd).st_size < layout.FILE_BYTES:
        raise ValueError(f"descriptor {fd} is no scoreboard")
    header = memoryview(os.pread(fd, layout.HEADER_BYTES, 0)).cast("q")
    if (header[layout.H_MAGIC], header[layout.H_FORMAT]) != (layout.MAGIC, layout.FORMAT):
        raise LostSlotError(f"descriptor {fd} is no scoreboard of format {layout.FORMAT}")
    if not 0 <= number < layout.SLOTS:
        raise ValueError(f"the scoreboard has no slot {number}")


def parse(text: str) -> tuple[int, int, int]:
    """(descriptor, slot, generation) out of the variable's text. Raises UsageError."""
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise UsageError(f"{layout.VARIABLE}: {text!r} is not of the form FD:SLOT:GENERATION")
    return int(parts[0]), int(parts[1]), int(parts[2])


def from_environ(environ: MutableMapping[str, str], numbers: Mapping[int, int] = _AS_GIVEN) -> Slot | None:
    """The slot that a supervisor has assigned to this process; None where there is none. It is taken out of `environ`,
    and its descriptor is kept from programs that the application starts: they are others. `numbers` are of descriptors
    that have got others here. Raises UsageError."""
    text = environ.pop(layout.VARIABLE, "")
    if not text:
        return None
    fd, number, generation = parse(text)
    fd = numbers.get(fd, fd)
    try:
        os.set_inheritable(fd, False)
        # It stays open: through it, an arbiter finds the file again after the one before it was killed.
        return Slot(fd, number, generation)
    except LostSlotError as error:
        # Any worker can write there. That must not keep another one from serving.
        log.warning("%s: this worker has no figures, and is not seen to hang", error)
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{layout.VARIABLE}={text}: {error}") from None
