"""For whom a sink is made: what a sink may know of its surroundings. Values only."""

from __future__ import annotations

from msgspec import Struct

from circus_stack.streams.block import StreamName
from circus_stack.streams.output import Console


class Place(Struct, frozen=True):
    """The watcher and the stream a sink is made for (the first, if several share it), and the arbiter's own output."""

    watcher: str
    stream: StreamName
    console: Console
