"""How a series is laid out: three rings of points, and where the point of a moment stands in them. Pure.

A point stands at a place that follows from its time alone, and carries that time and a checksum: there is no pointer
that a crash could leave wrong, and a point that was torn, or is of another round, is none.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence

from msgspec import Struct

FIELDS = ("cpu", "rss", "processes", "rps", "busy", "p99")
_POINT = struct.Struct(f"<I{len(FIELDS)}f")
_CHECK = struct.Struct("<I")
POINT_SIZE = _POINT.size + _CHECK.size


class Ring(Struct, frozen=True):
    """`length` points, one in `step_s` seconds."""

    step_s: int
    length: int

    @property
    def span_s(self) -> int:
        """How far back it reaches."""
        return self.step_s * self.length

    def place(self, moment: int) -> int:
        """The number of the point that a moment (seconds since the epoch) belongs to."""
        return moment // self.step_s % self.length

    def start(self, moment: float) -> int:
        """When the step began that a moment belongs to."""
        return int(moment) // self.step_s * self.step_s


class Plan(Struct, frozen=True):
    """A file of `series` series, each with the same rings, from the finest to the coarsest. `magic` begins it. A series
    that nobody has written to for `idle_s` seconds may be given to another name."""

    magic: bytes
    rings: tuple[Ring, ...]
    series: int
    idle_s: int

    @property
    def series_size(self) -> int:
        """Bytes of one series."""
        return sum(ring.length for ring in self.rings) * POINT_SIZE

    def ring_for(self, span_s: float) -> int:
        """The number of the finest ring that reaches back so far; the coarsest where none does."""
        return next((at for at, ring in enumerate(self.rings) if ring.span_s >= span_s), len(self.rings) - 1)

    def offset_of(self, ring: int, place: int) -> int:
        """Where a point stands within its series, in bytes."""
        return (sum(each.length for each in self.rings[:ring]) + place) * POINT_SIZE


# 15 minutes, 6 hours and 7 days of the stack and so many watchers: 27 MB if all are used.
WATCHERS = Plan(b"circus-stack stats 1\n", (Ring(1, 900), Ring(10, 2160), Ring(60, 10080)), 64, 7 * 86400)
# 6 hours of so many processes: 18 MB. Of one that has gone it is kept until another one needs the room.
PROCESSES = Plan(b"circus-stack stats processes 1\n", (Ring(10, 2160),), 256, 60)


def pack_point(start: int, values: Sequence[float | None]) -> bytes:
    """One point; None is a value that nobody knows."""
    body = _POINT.pack(start, *(math.nan if value is None else value for value in values))
    return body + _CHECK.pack(zlib.crc32(body))


def unpack_point(data: bytes | memoryview) -> tuple[int, tuple[float | None, ...]] | None:
    """(start, values); None for what was never written, or is torn."""
    body = data[: _POINT.size]
    if _CHECK.unpack(data[_POINT.size :])[0] != zlib.crc32(body):
        return None
    start, *values = _POINT.unpack(body)
    return start, tuple(None if math.isnan(value) else value for value in values)
