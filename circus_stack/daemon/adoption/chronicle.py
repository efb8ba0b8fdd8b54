"""The ledger of one run: begun, fed and ended with it. Where there is no state directory, all of it does nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from circus_stack.arbiter.adoption.bookkeeping import Bookkeeper, Books, Start
from circus_stack.arbiter.adoption.ledger import Ledger
from circus_stack.arbiter.adoption.safekeeping import Safekeeping
from circus_stack.arbiter.means import Capture
from circus_stack.arbiter.process import Process
from circus_stack.config.values import FdKeeperMode
from circus_stack.daemon.adoption.estate import Estate
from circus_stack.daemon.handover.record import HandoverRecord
from circus_stack.events import Event
from circus_stack.system.foreign_fds import fd_name
from circus_stack.system.reaper import Reaper

log = logging.getLogger(__name__)


class Chronicle:
    """Notes of an arbiter, kept as `Notes`, as a listener to events, and to the pulse."""

    def __init__(
        self, estate: Estate, loop: asyncio.AbstractEventLoop, reaper: Reaper, fd_keeper: FdKeeperMode
    ) -> None:
        self._ledger: Ledger | None = None
        self._keeper: Bookkeeper | None = None
        self._books: Books | None = None
        self._safekeeping: Safekeeping | None = None
        if estate.directory is not None and estate.head is not None:
            self._ledger = Ledger(estate.directory, log.warning)
            self._safekeeping = Safekeeping(estate.directory, fd_keeper, loop, reaper, estate.link)
            self._keeper = Bookkeeper(self._ledger, estate.head, loop, self._safekeeping)

    def note_starts(self, watcher: str, starts: Sequence[tuple[Process, Capture]]) -> None:
        """Processes are about to start."""
        if self._keeper is not None:
            self._keeper.note_starts(watcher, starts)

    def note_started(self, token: str, pid: int) -> None:
        """It runs."""
        if self._keeper is not None:
            self._keeper.note_started(token, pid)

    def note_no_start(self, token: str) -> None:
        """It did not start."""
        if self._keeper is not None:
            self._keeper.note_no_start(token)

    def follow(self, event: Event) -> None:
        """An event was published."""
        if self._keeper is not None:
            self._keeper.follow(event)

    def look(self) -> None:
        """Anything may have changed."""
        if self._keeper is not None:
            self._keeper.look()

    @property
    def fd_keeper_pid(self) -> int | None:
        """The process that keeps descriptors for the next arbiter; None where there is none."""
        return None if self._safekeeping is None else self._safekeeping.pid

    def aides(self) -> frozenset[int]:
        """Programs of ours that are no processes of the stack, and outlive this arbiter."""
        pid = self.fd_keeper_pid
        return frozenset() if pid is None else frozenset({pid})

    def sweep(self) -> None:
        """Now and then: see what no event tells."""
        if self._safekeeping is not None:
            self._safekeeping.sweep()

    def open(self, books: Books, resumed: HandoverRecord | None) -> None:
        """The arbiter is there: write what is, in place of what was. `resumed` is what it has begun with."""
        self._books = books
        if self._keeper is not None:
            self._keeper.open(books, {} if resumed is None else _starts(resumed))

    def close(self) -> None:
        """The run has ended. Nothing is left to be adopted, unless it has failed to end somebody."""
        if self._ledger is not None:
            is_alone = self._books is not None and not any(each.watcher.processes for each in self._books.all_keepers())
            if self._safekeeping is not None:
                # It lets go of what it holds before anybody else may bind it.
                self._safekeeping.close(is_over=is_alone)
            self._ledger.close(remove=is_alone)


def _starts(record: HandoverRecord) -> dict[str, Start]:
    """What is known of processes that run already, by token: the pipes that are read are those that they write to."""
    pipes = {each.pid: {str(pipe.stream): pipe.fd for pipe in each.pipes} for each in record.streams.captures}
    return {
        process.token: _start(watcher.config.name, pipes.get(process.pid, {}))
        for watcher in record.arbiter.watchers
        for process in watcher.processes
    }


def _start(watcher: str, fds: Mapping[str, int]) -> Start:
    return Start(
        watcher,
        {stream: fd_name(fd) for stream, fd in fds.items()},
        fds={fd_name(fd): fd for fd in fds.values()},
    )
