"""The scoreboard: shared memory in which each worker says what it does, and which others read without asking it.

`layout` has the format, byte by byte. `Board` is the owner's view, `Slot` a worker's, `Reader` everybody else's;
`rates` makes figures out of two snapshots. Each name is imported when it is first asked for: a worker needs its slot
alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chaussette.scoreboard.board import Board
    from chaussette.scoreboard.layout import State
    from chaussette.scoreboard.reader import Reader, SlotSnapshot, Snapshot
    from chaussette.scoreboard.slot import Slot

__all__ = ["Board", "Reader", "Slot", "SlotSnapshot", "Snapshot", "State"]

_MODULES = {
    "Board": "board",
    "Reader": "reader",
    "Slot": "slot",
    "SlotSnapshot": "reader",
    "Snapshot": "reader",
    "State": "layout",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
