"""The ledger of one run: begun, fed and ended with it. Where there is no state directory, all of it does nothing."""

from __future__ import annotations

import asyncio
import logging

from circus_stack.arbiter.adoption.bookkeeping import Bookkeeper, Books, Start
from circus_stack.arbiter.adoption.ledger import Ledger
from circus_stack.arbiter.means import Capture
from circus_stack.arbiter.process import Process
from circus_stack.daemon.adoption.estate import Estate
from circus_stack.daemon.handover.record import HandoverRecord
from circus_stack.events import Event
from circus_stack.system.foreign_fds import fd_name

log = logging.getLogger(__name__)


class Chronicle:
    """Notes of an arbiter, kept as `Notes`, as a listener to events, and to the pulse."""

    def __init__(self, estate: Estate, loop: asyncio.AbstractEventLoop) -> None:
        self._ledger: Ledger | None = None
        self._keeper: Bookkeeper | None = None
        self._books: Books | None = None
        if estate.directory is not None and estate.head is not None:
            self._ledger = Ledger(estate.directory, log.warning)
            self._keeper = Bookkeeper(self._ledger, estate.head, loop)

    def note_start(self, watcher: str, process: Process, capture: Capture) -> None:
        """A process is about to start."""
        if self._keeper is not None:
            self._keeper.note_start(watcher, process, capture)

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

    def open(self, books: Books, resumed: HandoverRecord | None) -> None:
        """The arbiter is there: write what is, in place of what was. `resumed` is what it has begun with."""
        self._books = books
        if self._keeper is not None:
            self._keeper.open(books, {} if resumed is None else _starts(resumed))

    def close(self) -> None:
        """The run has ended. Nothing is left to be adopted, unless it has failed to end somebody."""
        if self._ledger is not None:
            is_alone = self._books is not None and not any(each.watcher.processes for each in self._books.all_keepers())
            self._ledger.close(remove=is_alone)


def _starts(record: HandoverRecord) -> dict[str, Start]:
    """What is known of processes that run already, by token: the pipes that are read are those that they write to."""
    pipes = {each.pid: {str(pipe.stream): fd_name(pipe.fd) for pipe in each.pipes} for each in record.streams.captures}
    return {
        process.token: Start(watcher.config.name, pipes.get(process.pid, {}))
        for watcher in record.arbiter.watchers
        for process in watcher.processes
    }
