"""Processes that live on without an arbiter, as whoever isn't about to adopt them sees them: told of, or ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from circus_stack.arbiter.adoption.legacy import Legacy, LegacyError, read_legacy
from circus_stack.arbiter.adoption.living import Living, find_living
from circus_stack.daemon.adoption.estate import LEDGER, end_all
from circus_stack.daemon.handover.record import with_own_types
from circus_stack.errors import CircusStackError
from circus_stack.protocol.rundir import state_directory
from circus_stack.system.fd_keeper_link import connect_keeper
from circus_stack.system.journal import JournalDirectory, is_locked
from circus_stack.system.process_stamp import boot_id


class Orphans(Struct, frozen=True):
    """What an arbiter has left: `path` is the directory of its ledger."""

    path: Path
    legacy: Legacy
    living: Living

    @property
    def source(self) -> str:
        """The file, or the application, that the stack was started from."""
        return self.legacy.head.source

    def __str__(self) -> str:
        count = self.living.count()
        lives = "1 process lives" if count == 1 else f"{count} processes live"
        return f"{self.source}: {lives} on without an arbiter (pid {self.legacy.head.pid} was killed)"


def find_orphans(environ: Mapping[str, str], home: Path, state_dir: Path | None = None) -> list[Orphans]:
    """Those of all stacks of this user, or of one state directory. Where they can't be looked for, there are none."""
    directories = [state_dir] if state_dir is not None else _state_directories(environ, home)
    return [found for each in directories if (found := _look(each / LEDGER)) is not None]


def end_orphans(orphans: Orphans) -> int:
    """End them, gracefully, then by SIGKILL; how many there were. Blocks.

    Raises StackRunningError where an arbiter has just taken them over, CircusStackError where some do not end.
    """
    directory = JournalDirectory.take(orphans.path)
    try:
        left = end_all(orphans.legacy, find_living(orphans.legacy))
        if left:
            raise CircusStackError(f"not even SIGKILL ends {', '.join(str(each.pid) for each in left)}")
        link = connect_keeper(directory.directory_fd, directory.lock_fd)
        if link is not None:
            link.dismiss()
    except BaseException:
        directory.release(remove=False)
        raise
    directory.release(remove=True)
    return orphans.living.count()


def _state_directories(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    root = state_directory(environ, home, "any").parent
    try:
        yield from sorted(root.iterdir())
    except OSError:
        return


def _look(path: Path) -> Orphans | None:
    if is_locked(path):
        return None
    try:
        data = (path / "journal").read_bytes()
        legacy = read_legacy(data, boot_id(), with_own_types)
    except (OSError, LegacyError):
        return None
    if legacy is None:
        return None
    found = find_living(legacy)
    return Orphans(path, legacy, found) if found.count() else None
