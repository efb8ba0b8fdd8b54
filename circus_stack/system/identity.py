"""Users and groups by name or number. Reads the system's databases; changes nothing."""

from __future__ import annotations

import grp
import os
import pwd

from msgspec import Struct

from circus_stack.errors import SpawnError


class Identity(Struct, frozen=True):
    """Whom a process runs as. `home` and `user` are empty for a number that no database knows. `groups` is None where
    they stay what they are: only root may set them."""

    uid: int
    gid: int
    groups: tuple[int, ...] | None
    user: str = ""
    home: str = ""


def resolve_identity(user: str | None, group: str | None) -> Identity | None:
    """The identity for a watcher's `uid` and `gid`, or None where it sets neither.

    Who isn't root can only name himself, and keeps his groups. Raises SpawnError for a name that doesn't exist, and
    where a process that isn't root asks for somebody else.
    """
    if user is None and group is None:
        return None
    entry = _user(user) if user is not None else _user(str(os.geteuid()))
    gid = _group(group) if group is not None else None
    if os.geteuid() != 0:
        return _own(entry, gid)
    gid = entry.gid if gid is None else gid
    groups = tuple(os.getgrouplist(entry.user, gid)) if entry.user else (gid,)
    return Identity(entry.uid, gid, groups, entry.user, entry.home)


def _user(name: str) -> Identity:
    try:
        row = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        if name.isdigit():
            return Identity(int(name), int(name), ())
        raise SpawnError(f"there is no user {name!r} on this machine") from None
    return Identity(row.pw_uid, row.pw_gid, (), row.pw_name, row.pw_dir)


def _group(name: str) -> int:
    if name.isdigit():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise SpawnError(f"there is no group {name!r} on this machine") from None


def _own(entry: Identity, gid: int | None) -> Identity:
    """The identity of this process, under the name that was asked for; of the groups it may change to its real and its
    effective one alone."""
    if entry.uid != os.geteuid() or gid not in (None, os.getgid(), os.getegid()):
        group = "" if gid is None else f" and group {gid}"
        raise SpawnError(
            f"only root can run a process as user {entry.user or entry.uid}{group}; "
            f"this arbiter runs as user {os.geteuid()} and group {os.getegid()}"
        )
    return Identity(entry.uid, os.getegid() if gid is None else gid, None, entry.user, entry.home)


def resolve_owner(user: str | None, group: str | None) -> tuple[int, int]:
    """The numbers for `chown`, -1 for what is not given; raises SpawnError for a name that doesn't exist."""
    return -1 if user is None else _user(user).uid, -1 if group is None else _group(group)
