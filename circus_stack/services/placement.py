"""Puts the files and directories of a plan in place. The one module here that writes."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
from pathlib import Path

from circus_stack.errors import CircusStackError
from circus_stack.services.plan import ServicePlan

_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600


class PlacementError(CircusStackError):
    """A file or directory of a service could not be made; the text names it and the reason."""


def place(plan: ServicePlan) -> None:
    """Make the plan's directories (0700), write its files (0600, replaced whole), copy its seeds where they are
    missing: all for the user that the service runs as.

    A directory that exists keeps its mode and owner. Raises PlacementError.
    """
    owner = _owner(plan)
    try:
        for directory in plan.directories:
            _make(directory, owner)
        if owner and plan.directories:
            _open_way(plan, plan.directories[0], owner)
        for path, text in plan.files.items():
            _write(path, text, owner)
        for target, source in plan.seeds.items():
            _seed(target, source, owner)
    except OSError as error:
        # Several failures of one copy come as one error without a file name.
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise PlacementError(f"[service:{plan.watcher.name}] cannot write {what}") from error


def _owner(plan: ServicePlan) -> tuple[int, int] | None:
    """Numbers of the user and group that the service runs as, -1 for no change; None where it is us."""
    uid, gid = plan.watcher.uid, plan.watcher.gid
    if uid is None and gid is None:
        return None
    try:
        user, group = _user(uid) if uid is not None else (-1, -1)
        if gid is not None:
            group = int(gid) if gid.isdigit() else grp.getgrnam(gid).gr_gid
    except KeyError as error:
        raise PlacementError(f"[service:{plan.watcher.name}] no such user or group: {error.args[0]}") from None
    return user, group


def _user(uid: str) -> tuple[int, int]:
    """Number and main group of a user; a number that has no name has no group either."""
    if not uid.isdigit():
        entry = pwd.getpwnam(uid)
        return entry.pw_uid, entry.pw_gid
    try:
        return int(uid), pwd.getpwuid(int(uid)).pw_gid
    except KeyError:
        return int(uid), -1


def _make(directory: Path, owner: tuple[int, int] | None) -> None:
    """Make a directory and what is missing above it, all of them 0700."""
    if directory.is_dir():
        return
    if not directory.parent.is_dir():
        _make(directory.parent, None)
    directory.mkdir(mode=_DIRECTORY_MODE)
    if owner:
        os.chown(directory, *owner)


def _seed(target: Path, source: Path, owner: tuple[int, int] | None) -> None:
    """Copy a directory, once: through a name of its own and a rename, so that half a copy is never taken for it."""
    if target.exists():
        return
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        shutil.copytree(source, fresh, copy_function=shutil.copyfile)
        if owner:
            for path in (fresh, *fresh.rglob("*")):
                os.chown(path, *owner)
        fresh.rename(target)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _open_way(plan: ServicePlan, directory: Path, owner: tuple[int, int]) -> None:
    """Let another user pass through the stack's state directory to the service's own, but not look around in it.

    What lies above is not ours to open: PlacementError names it.
    """
    stack = directory.parent
    if stack.stat().st_uid == os.geteuid():
        stack.chmod(stat.S_IMODE(stack.stat().st_mode) | 0o011)
    for above in reversed(directory.parents):
        if not _may_enter(above, owner):
            raise PlacementError(
                f"[service:{plan.watcher.name}] runs as user {plan.watcher.uid}, who cannot enter {above}; "
                "set [circus] state_dir to a directory that this user can reach"
            )


def _may_enter(directory: Path, owner: tuple[int, int]) -> bool:
    entry = directory.stat()
    if owner[0] in (-1, 0):
        return True
    if entry.st_uid == owner[0]:
        return bool(entry.st_mode & stat.S_IXUSR)
    return bool(entry.st_mode & (stat.S_IXGRP if entry.st_gid == owner[1] else stat.S_IXOTH))


def _write(path: Path, text: str, owner: tuple[int, int] | None) -> None:
    """Through a new file and a rename: a service that reads meanwhile sees the old text or the new one, whole."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            if owner:
                os.fchown(handle, *owner)
            file.write(text)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
