"""Facts by name, kept on disk: each change is one line more, and from time to time the lines are written anew.

What the facts say is somebody else's affair. `Ledger` writes, `read_facts` reads what a writer that was killed left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from circus_stack.system.journal import Journal, JournalDirectory

# The lines are written anew when there are four times as many bytes as the facts need: then each byte is written
# some 1.3 times, and the file stays small. Below this size nobody cares.
_GROWTH = 4
_SMALL = 256 * 1024
# The disk has so long at the end to take what is queued: nothing but a removal follows.
_CLOSE_S = 1.0

_Line = tuple[str, msgspec.Raw]


class Ledger:
    """A map of names to values that can be encoded; to be used in one loop. `tell(text)` warns, in whichever thread."""

    def __init__(self, directory: JournalDirectory, tell: Callable[[str], None]) -> None:
        self._directory = directory
        self._tell = tell
        self._facts: dict[str, bytes] = {}
        self._size = 0
        self._written = 0
        # Set by the journal's thread: what is on disk lacks something.
        self._is_behind = False
        self._journal = Journal(directory, self._troubled, self._recovered)

    def put(self, name: str, value: object) -> None:
        """State a fact, or another value of it; nothing is written where it is the same."""
        self.put_all({name: value})

    def put_all(self, facts: Mapping[str, object]) -> None:
        """`put` each of them, in one go."""
        lines = [self._change(name, msgspec.json.encode(value)) for name, value in facts.items()]
        self._append(b"".join(lines))

    def drop(self, name: str) -> None:
        """It holds no more."""
        if name in self._facts:
            self._append(self._change(name, b"null"))

    def _change(self, name: str, value: bytes) -> bytes:
        """Note it; the line that says so, empty where it was known."""
        old = self._facts.get(name)
        if old == value:
            return b""
        if old is not None:
            self._size -= len(old)
        if value == b"null":
            del self._facts[name]
        else:
            self._facts[name] = value
            self._size += len(value)
        return _line(name, value)

    def _append(self, lines: bytes) -> None:
        if not lines:
            return
        self._written += len(lines)
        if self._is_behind or self._written > max(_SMALL, _GROWTH * self._size):
            self.rewrite()
        else:
            self._journal.append(lines)

    def rewrite(self) -> None:
        """Begin the file anew with what holds now: before the first fact, lest those of another life stay."""
        self._is_behind = False
        data = b"".join(_line(name, value) for name, value in self._facts.items())
        self._written = len(data)
        self._journal.replace(data)

    def close(self, *, remove: bool) -> None:
        """Write no more; with `remove` nobody will be adopted, since nobody is left."""
        self._journal.close(_CLOSE_S)
        self._directory.release(remove=remove)

    def _troubled(self, error: OSError) -> None:
        self._tell(
            f"{self._directory.path}: {error.strerror}; until that is mended, processes that start now may not be "
            "known to the next arbiter, should this one be killed"
        )

    def _recovered(self) -> None:
        self._is_behind = True


def read_facts(data: bytes) -> Mapping[str, msgspec.Raw]:
    """The facts by name, not decoded. A line that is torn, as the last one may be, says nothing."""
    decoder = msgspec.json.Decoder(_Line)
    facts: dict[str, msgspec.Raw] = {}
    for line in data.splitlines():
        try:
            name, value = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if bytes(value) == b"null":
            facts.pop(name, None)
        else:
            facts[name] = value
    return facts


def _line(name: str, value: bytes) -> bytes:
    return b"[" + msgspec.json.encode(name) + b"," + value + b"]\n"
