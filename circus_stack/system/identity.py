"""Users and groups by name or number. Reads the system's databases; changes nothing."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass

from circus_stack.errors import SpawnError


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a process runs as. `home` and `user` are empty for a number that no database knows."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    user: str = ""
    home: str = ""


def resolve_identity(user: str | None, group: str | None) -> Identity | None:
    """The identity for a watcher's `uid` and `gid`, or None where it sets neither.

    Raises SpawnError for a name that doesn't exist, and where a process that isn't root asks for somebody else.
    """
    if user is None and group is None:
        return None
    entry = _user(user) if user is not None else _user(str(os.geteuid()))
    gid = _group(group) if group is not None else entry.gid
    identity = Identity(entry.uid, gid, _groups(entry.user, gid), entry.user, entry.home)
    _check_privilege(identity)
    return identity


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


def _groups(user: str, gid: int) -> tuple[int, ...]:
    if os.geteuid() != 0:
        return tuple(os.getgroups())
    return tuple(os.getgrouplist(user, gid)) if user else (gid,)


def _check_privilege(identity: Identity) -> None:
    if os.geteuid() == 0:
        return
    if identity.uid != os.geteuid() or identity.gid not in (os.getegid(), *os.getgroups()):
        raise SpawnError(
            f"only root can run a process as user {identity.user or identity.uid} "
            f"and group {identity.gid}; this arbiter runs as user {os.geteuid()}"
        )
