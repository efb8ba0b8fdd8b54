"""The scoreboard: shared memory in which each worker says what it does, and which others read without asking it.

`layout` has the format, byte by byte. `Board` is the owner's view, `Slot` a worker's, `Reader` everybody else's;
`rates` makes figures out of two snapshots.
"""

from __future__ import annotations

from chaussette.scoreboard.board import Board
from chaussette.scoreboard.layout import State
from chaussette.scoreboard.reader import Reader, SlotSnapshot, Snapshot
from chaussette.scoreboard.slot import Slot

__all__ = ["Board", "Reader", "Slot", "SlotSnapshot", "Snapshot", "State"]
