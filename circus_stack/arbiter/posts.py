"""The places of chaussette's workers on the scoreboard: given before the start, taken back when the process is reaped.

The board itself is handed in: what its words mean is its own affair.
"""

from __future__ import annotations

import logging
from typing import Protocol

from msgspec import Struct

from circus_stack.config.chaussette_command import backend_of
from circus_stack.config.schema import WatcherConfig

log = logging.getLogger(__name__)

# How many times a worker says that it lives within the time after which it counts as hanging.
_BEATS = 4
# A worker that beat more often would do nothing else; one that beat less often would tell a viewer too little.
_MOST_OFTEN_S, _LEAST_OFTEN_S = 0.05, 5.0


class Board(Protocol):
    """The owner's view of a scoreboard. Times are monotonic seconds."""

    @property
    def fd(self) -> int:
        """Its file."""

    def assign(self, *, timeout_s: float, beat_s: float) -> tuple[int, int] | None:
        """(slot, generation), None where all are taken."""

    def keep(self, number: int, generation: int) -> bool:
        """Assigned by an owner before; False where it was another board's."""

    def release(self, number: int, generation: int) -> None:
        """Nobody writes to it any more."""

    def heartbeat_at(self, number: int) -> float | None:
        """When the worker's loop turned last, never in the future; None: never, or it has not attached."""


class Post(Struct, frozen=True):
    """One process's slot, and which of the slot's owners it is. `timeout_s`: how long its loop may stand still, as the
    process was told when it started; 0: any time."""

    slot: int
    generation: int
    timeout_s: float = 0.0


class Posts:
    """Gives places on `board`; none to anybody where there is no board."""

    def __init__(self, board: Board | None = None) -> None:
        self._board = board
        self._is_full_told = False

    @property
    def fd(self) -> int | None:
        """The board's descriptor."""
        return None if self._board is None else self._board.fd

    def assign(self, config: WatcherConfig) -> Post | None:
        """A place for a process of that watcher, if it runs what writes to one."""
        if self._board is None or not backend_of(f"{config.cmd} {config.args}"):
            return None
        timeout_s = config.hang_timeout
        beat_s = min(max(timeout_s / _BEATS, _MOST_OFTEN_S), _LEAST_OFTEN_S) if timeout_s else _LEAST_OFTEN_S
        found = self._board.assign(timeout_s=timeout_s, beat_s=beat_s)
        if found is None and not self._is_full_told:
            self._is_full_told = True
            log.warning("the scoreboard is full: %s and others have no figures, and are not seen to hang", config.name)
        return None if found is None else Post(*found, timeout_s)

    def keep(self, post: Post) -> bool:
        """A process that was taken over has this one, as the arbiter before knew; False where there is a new board."""
        return self._board is not None and self._board.keep(post.slot, post.generation)

    def release(self, post: Post | None) -> None:
        """Its process is gone."""
        if post is not None and self._board is not None:
            self._board.release(post.slot, post.generation)

    def hangs_at(self, post: Post) -> float | None:
        """When a process counts as hanging unless its loop turns before, in monotonic seconds; None: never."""
        beat_at = self._board.heartbeat_at(post.slot) if self._board is not None and post.timeout_s else None
        return None if beat_at is None else beat_at + post.timeout_s
