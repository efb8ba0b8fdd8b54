"""Where the scoreboard comes from: handed over by an upgrade, found in the workers of an arbiter that was killed, or
made. It is memory without a file, so that nothing is left behind and no request ever waits for a disk.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from chaussette.scoreboard import Board
from circus_stack.control.desk import no_scores
from circus_stack.daemon.handover.record import HandoverRecord
from circus_stack.system.foreign_fds import fds_of

log = logging.getLogger(__name__)

# Of the file: nobody can change it. It tells the format, for another one of which it has to be another; the header is
# no proof of that, since any worker can write there.
_NAME = "circus-scoreboard-"


def open_board(instance: str, resumed: HandoverRecord | None) -> Board | None:
    """The board of the stack with that id; None, with a warning, where the machine gives none. Workers that were taken
    over without theirs go on without figures."""
    try:
        found = None if resumed is None else _resume(resumed, _name(instance))
        return Board.create(_name(instance)) if found is None else found
    except OSError as error:
        log.warning("no scoreboard: %s; workers have no figures, and hang_timeout sees none that hangs", error.strerror)
        return None


def place_of(board: Board | None) -> str | None:
    """The path by which another process of this user maps it."""
    return None if board is None else f"/proc/{os.getpid()}/fd/{board.fd}"


def scores_of(board: Board | None) -> Callable[[int], Mapping[str, int]]:
    """What tells of a slot how many requests its worker has served, and is at."""
    return no_scores if board is None else board.scores


def _name(instance: str) -> str:
    return f"{_NAME}{instance}"


def _resume(resumed: HandoverRecord, name: str) -> Board | None:
    if resumed.place is not None:
        # Code of another version may have none, or one of another format.
        return None if resumed.place.scoreboard_fd is None else _board(resumed.place.scoreboard_fd)
    return _find(_writers(resumed), f"/memfd:{name} (deleted)")


def _writers(resumed: HandoverRecord) -> Iterator[int]:
    """The processes with a slot: others may have a board open that is not the latest."""
    for watcher in resumed.arbiter.watchers:
        yield from (process.pid for process in watcher.processes if process.post is not None)


def _find(pids: Iterable[int], text: str) -> Board | None:
    for pid in pids:
        number = fds_of(pid).get(text)
        if number is None:
            continue
        try:
            fd = os.open(f"/proc/{pid}/fd/{number}", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            # It has ended just now, or the kernel lets us have nothing of it.
            continue
        board = _board(fd)
        if board is not None:
            return board
    return None


def _board(fd: int) -> Board | None:
    try:
        name = str(Path(f"/proc/self/fd/{fd}").readlink())
        if not name.startswith(f"/memfd:{_NAME}"):
            raise ValueError(f"{name} is no scoreboard of this version")
        return Board(fd, is_known=True)
    except (OSError, ValueError) as error:
        log.warning("a new scoreboard is made, and the workers that run have no figures: %s", error)
        os.close(fd)
        return None
