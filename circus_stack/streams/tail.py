"""The last lines of each watcher, kept in memory for whoever asks, and a feed of the lines to come.

While nobody asks, a block costs an append: the lines are cut when they are looked at. Not safe for threads: the loop's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import starmap

from circus_stack.streams.block import Block, LogLine, Origin, split_lines
from circus_stack.streams.record import TailBlock, TailRecord

Entry = tuple[int, LogLine]
"""A line and its number. Numbers only grow; a snapshot and the feed that follows join by them without a hole."""

Feed = Callable[[int, Block], None]
"""Called with a block and the number of its first line; `numbered` cuts it."""

MAX_LINES = 1000
MAX_BYTES = 256 * 1024


class _Ring:
    """The newest blocks of one watcher. The newest block always stays, so that a long line is not lost at once."""

    def __init__(self, max_lines: int, max_bytes: int) -> None:
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._blocks: deque[tuple[int, Block]] = deque()
        self._size = 0

    def add(self, position: int, block: Block) -> None:
        """Keep a block that begins at `position`; the oldest go where there are too many."""
        blocks = self._blocks
        blocks.append((position, block))
        self._size += len(block.data)
        # Each block holds a line at least, so that more blocks than lines wanted are never needed.
        while len(blocks) > 1 and (self._size > self._max_bytes or len(blocks) > self._max_lines):
            self._size -= len(blocks.popleft()[1].data)

    def blocks(self) -> Iterable[tuple[int, Block]]:
        """What is kept, oldest first."""
        return self._blocks

    def entries(self, pid: int | None, stream: str | None) -> list[Entry]:
        """At most `max_lines` lines, oldest first, of one process or of all, of one stream or of both."""
        newest_first: list[list[Entry]] = []
        missing = self._max_lines
        for position, block in reversed(self._blocks):
            if missing <= 0:
                break
            if pid in (None, block.origin.pid) and stream in (None, block.origin.stream):
                entries = _entries(position, block)[-missing:]
                newest_first.append(entries)
                missing -= len(entries)
        return [entry for entries in reversed(newest_first) for entry in entries]


def numbered(position: int, data: bytes) -> list[tuple[int, bytes]]:
    """The lines of a block that begins at `position`, each with where it begins in all that was captured."""
    found: list[tuple[int, bytes]] = []
    offset = 0
    for line in split_lines(data):
        found.append((position + offset, line))
        offset += len(line)
        # No newline follows a piece that was cut out of a longer line.
        offset += data.startswith(b"\n", offset)
    return found


def _record(number: int, block: Block) -> TailBlock:
    origin = block.origin
    return TailBlock(
        number=number,
        watcher=origin.watcher,
        wid=origin.wid,
        pid=origin.pid,
        stream=origin.stream,
        time=block.time,
        data=block.data,
    )


def _entries(position: int, block: Block) -> list[Entry]:
    origin, time = block.origin, block.time
    return [
        (number, LogLine(origin.watcher, origin.wid, origin.pid, origin.stream, time, line))
        for number, line in numbered(position, block.data)
    ]


class LiveTail:
    """A bounded ring a watcher.

    The number of a line is the count of bytes captured before it (of all watchers): it costs nothing to keep, always
    grows, and a subscriber to everything sees a hole where the next number is more than a line's length ahead.
    """

    def __init__(self, *, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES) -> None:
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._rings: dict[str, _Ring] = {}
        self._feeds: list[Feed] = []
        self._position = 0

    def add(self, block: Block) -> None:
        """Keep a block, and hand it to the subscribers."""
        position = self._position
        self._position += len(block.data)
        ring = self._rings.get(block.origin.watcher)
        if ring is None:
            ring = self._rings[block.origin.watcher] = _Ring(self._max_lines, self._max_bytes)
        ring.add(position, block)
        for feed in tuple(self._feeds):
            feed(position, block)

    def snapshot(
        self,
        watcher: str | None = None,
        pid: int | None = None,
        limit: int | None = None,
        stream: str | None = None,
    ) -> list[Entry]:
        """The lines kept, oldest first: of one watcher or of all, of one process or of all, of one stream or of both,
        the last `limit`.

        An unknown watcher or pid has none. Without a limit: all that is kept, at most 1,000 lines a watcher.
        """
        found = [entry for ring in self._chosen(watcher) for entry in ring.entries(pid, stream)]
        found.sort(key=lambda entry: entry[0])
        return found if limit is None else found[max(0, len(found) - limit) :]

    def subscribe(self, feed: Feed) -> Callable[[], None]:
        """Call `feed` with each block from now on; the result ends that. `feed` must not block."""
        self._feeds.append(feed)

        def unsubscribe() -> None:
            if feed in self._feeds:
                self._feeds.remove(feed)

        return unsubscribe

    def state(self) -> TailRecord:
        """What another tail goes on from."""
        kept = sorted((entry for ring in self._rings.values() for entry in ring.blocks()), key=lambda entry: entry[0])
        return TailRecord(next_number=self._position, blocks=tuple(starmap(_record, kept)))

    def restore(self, record: TailRecord) -> None:
        """Go on where another tail was, before anything is added."""
        for each in record.blocks:
            self._position = each.number
            self.add(Block(Origin(each.watcher, each.wid, each.pid, each.stream), each.time, each.data))
        self._position = record.next_number

    def forget(self, watcher: str) -> None:
        """Drop the lines of a watcher that is gone."""
        self._rings.pop(watcher, None)

    def _chosen(self, watcher: str | None) -> Iterable[_Ring]:
        if watcher is None:
            return self._rings.values()
        ring = self._rings.get(watcher)
        return () if ring is None else (ring,)
