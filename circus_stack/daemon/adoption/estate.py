"""What an arbiter that was killed has left in the state directory: claimed before anything is bound or started.

Blocks: there is no loop yet. Whoever can't be taken over is ended here, before a successor starts.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from circus_stack import __version__
from circus_stack.arbiter.adoption.belongings import NotAllowedError
from circus_stack.arbiter.adoption.facts import HEAD, Head
from circus_stack.arbiter.adoption.ledger import read_facts
from circus_stack.arbiter.adoption.legacy import Legacy, LegacyError, read_legacy
from circus_stack.arbiter.adoption.living import Living, find_living, find_marked
from circus_stack.config.schema import StackConfig
from circus_stack.daemon.adoption.salvage import Salvage, salvage
from circus_stack.daemon.handover.record import HandoverRecord
from circus_stack.streams.spool import Spool, read_spool
from circus_stack.system.eviction import Eviction, end_processes
from circus_stack.system.fd_keeper_link import FdKeeperLink, connect_keeper
from circus_stack.system.journal import JournalDirectory
from circus_stack.system.process_stamp import Stamp, boot_id, now_in_ticks

log = logging.getLogger(__name__)

LEDGER = "ledger"
# For processes of which nothing is known but that they are ours.
_GRACE_S = 5.0


class Estate(Struct, frozen=True):
    """The ledger's directory, locked, and what was found in it. Without a directory nothing will be noted. `head` is
    what the new ledger begins with; `link` leads to a process that keeps descriptors, where there is one."""

    directory: JournalDirectory | None = None
    head: Head | None = None
    salvage: Salvage | None = None
    link: FdKeeperLink | None = None

    @property
    def lock_fd(self) -> int | None:
        """The lock of the ledger, which an upgrade in place keeps."""
        return None if self.directory is None else self.directory.lock_fd

    def resumed(self) -> HandoverRecord | None:
        """What the arbiter goes on from; None where there is nothing."""
        found = self.salvage
        if found is None or self.head is None:
            return None
        return HandoverRecord(pid=self.head.pid, version=__version__, arbiter=found.arbiter, streams=found.streams)

    def open_spool(self) -> Spool | None:
        """A new spool in place of what was found; None where nothing is noted, or there is no room for it."""
        if self.directory is None:
            return None
        try:
            fd = self.directory.open_spool()
            try:
                return Spool(fd)
            finally:
                os.close(fd)
        except OSError as error:
            log.warning(
                "%s: %s; lines on their way would be lost with the arbiter", self.directory.path, error.strerror
            )
            return None

    def release(self) -> None:
        """Nothing was begun with it: the next start may claim it."""
        if self.link is not None:
            self.link.close()
        if self.directory is not None:
            self.directory.release(remove=False)


def ledger_path(state_dir: Path) -> Path:
    """Where a stack keeps its ledger."""
    return state_dir / LEDGER


def claim(
    state_dir: Path,
    source: str,
    instance: str,
    *,
    adopts: bool,
    with_own_types: Callable[[StackConfig], StackConfig],
) -> Estate:
    """Lock the ledger of a state directory, and take over what its arbiter has left, or end it unless the new one
    `adopts`. `instance` is the id of the stack in the markers of its processes.

    Raises StackRunningError where that arbiter lives, CircusStackError where the directory is somebody else's.
    """
    try:
        directory = JournalDirectory.take(ledger_path(state_dir))
    except OSError as error:
        log.warning(
            "state_dir: %s: %s; should the arbiter be killed, its processes cannot be adopted",
            ledger_path(state_dir),
            error.strerror,
        )
        return Estate()
    fresh = Head(boot=boot_id(), began=now_in_ticks(), source=source, instance=instance, pid=os.getpid())
    try:
        return _claim(directory, fresh, adopts, with_own_types)
    except BaseException:
        directory.release(remove=False)
        raise


def keep_on(state_dir: Path, source: str, instance: str, lock_fd: int | None) -> Estate:
    """The ledger of this very arbiter, whose code was executed anew: it is written on. `lock_fd` is its lock; None
    where the old code kept none, or let it go. Raises as `claim`."""
    path = ledger_path(state_dir)
    try:
        directory = JournalDirectory.take(path) if lock_fd is None else JournalDirectory.keep(path, lock_fd)
    except OSError:
        # It was told when the arbiter began.
        return Estate()
    facts = read_facts(directory.read() or b"")
    began = msgspec.json.decode(facts[HEAD], type=Head).began if HEAD in facts else now_in_ticks()
    head = Head(boot=boot_id(), began=began, source=source, instance=instance, pid=os.getpid())
    return Estate(directory, head, link=connect_keeper(directory.directory_fd, directory.lock_fd))


def _claim(
    directory: JournalDirectory,
    fresh: Head,
    adopts: bool,
    with_own_types: Callable[[StackConfig], StackConfig],
) -> Estate:
    link = connect_keeper(directory.directory_fd, directory.lock_fd)
    estate = _look_through(directory, fresh, link, adopts, with_own_types)
    if link is not None and estate.link is None:
        link.dismiss()
    return estate


def _look_through(
    directory: JournalDirectory,
    fresh: Head,
    link: FdKeeperLink | None,
    adopts: bool,
    with_own_types: Callable[[StackConfig], StackConfig],
) -> Estate:
    data = directory.read()
    try:
        legacy = None if data is None else read_legacy(data, fresh.boot, with_own_types)
    except LegacyError as error:
        log.warning("%s cannot be read: %s; what its arbiter has left is ended", directory.path, error)
        _end(_unknown(find_marked(fresh.instance)))
        return Estate(directory, fresh)
    if legacy is None:
        return Estate(directory, fresh)
    found = find_living(legacy)
    if not adopts or legacy.head.is_quitting:
        log.info(
            "the arbiter that was killed (pid %d) has left %d processes: they are ended", legacy.head.pid, found.count()
        )
        end_all(legacy, found)
        return Estate(directory, fresh)
    return _take_over(directory, fresh, link, legacy, found)


def _take_over(
    directory: JournalDirectory, fresh: Head, link: FdKeeperLink | None, legacy: Legacy, found: Living
) -> Estate:
    try:
        taken = salvage(legacy, found, _kept(link), read_spool(directory.read_spool()), time.monotonic())
    except NotAllowedError as error:
        log.warning(
            "the kernel does not let us fetch the sockets of running processes (%s): they are ended, and started anew",
            error,
        )
        end_all(legacy, found)
        return Estate(directory, fresh)
    _end(_unknown((*taken.to_end, *taken.strays)))
    # Whoever started since the first ledger of this row began, and stands in none, is ours.
    return Estate(directory, replace(fresh, began=legacy.head.began), taken, link)


def _kept(link: FdKeeperLink | None) -> dict[str, int]:
    try:
        return {} if link is None else link.take()
    except OSError as error:
        log.warning("the process that keeps descriptors gives none: %s", error)
        return {}


def end_all(legacy: Legacy, found: Living) -> tuple[Stamp, ...]:
    """End what an arbiter has left, each process as its watcher says; those that not even SIGKILL has ended."""
    configs = {each.record.config.name: each.record.config for each in legacy.watchers}
    endings = []
    for token, stamp in found.known.items():
        config = configs.get(legacy.processes[token].watcher)
        if config is None:
            endings += _unknown([stamp])
        else:
            endings.append(Eviction(stamp, config.stop_signal, config.graceful_timeout, config.stop_children))
    strays = (stamp for group in found.strays.values() for stamp in group)
    return _end([*endings, *_unknown((*found.unknown, *strays))])


def _unknown(stamps: Iterable[Stamp]) -> list[Eviction]:
    return [Eviction(stamp, signal.SIGTERM, _GRACE_S, whole_group=True) for stamp in stamps]


def _end(endings: list[Eviction]) -> tuple[Stamp, ...]:
    left = end_processes(endings) if endings else ()
    for stamp in left:
        log.error("process %d does not end, not even by SIGKILL", stamp.pid)
    return left
