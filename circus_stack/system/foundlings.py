"""Processes that serve us and are not our children: an arbiter that was killed has left them, and they were adopted.

Their exit status goes to another parent. Their groups are told apart from strangers' by who leads them: nobody holds
such a number for us, as a zombie of our own would.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from circus_stack.system.process_stamp import Stamp, Standing, is_living, members_of, process_table


class Foundlings:
    """Who was adopted, and what is left of their groups. `on_gone(pid)` hears of those that are followed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_gone: Callable[[int], None]) -> None:
        self._loop = loop
        self._on_gone = on_gone
        self._leaders: dict[int, Stamp] = {}
        # The members of groups that outlived their leaders, each with its pidfd.
        self._followed: dict[int, int] = {}
        # The process table as it is in this turn of the loop: a thousand ends in one turn read it once.
        self._table: dict[int, list[Standing]] | None = None

    def __contains__(self, pid: int) -> bool:
        return pid in self._leaders

    def add(self, stamp: Stamp) -> None:
        """This one leads a group of ours from here on."""
        self._leaders[stamp.pid] = stamp

    def forget(self, pid: int) -> None:
        """The number means nothing any more."""
        self._leaders.pop(pid, None)

    def members(self, pid: int) -> list[Stamp]:
        """Who lives in the group that `pid` leads or has led; nobody where the number went to a stranger."""
        leader = self._leaders.get(pid)
        if leader is None or not _is_group(pid):
            return []
        return members_of(leader, self._groups().get(pid, ()))

    def signal(self, pid: int, signum: int) -> bool:
        """Signal each member of the group; 0 only asks whether there is one. False where there is none."""
        found = self.members(pid)
        for each in found if signum else ():
            send_certainly(each, signum)
        return bool(found)

    def follow(self, pid: int) -> None:
        """Be told when a member of a group ends whose leader is gone: nobody hands us those, as our own children's."""
        for each in self.members(pid):
            if each.pid not in self._followed:
                with suppress(OSError):
                    self._followed[each.pid] = pidfd = os.pidfd_open(each.pid)
                    self._loop.add_reader(pidfd, self._gone, each.pid, pid)

    def _gone(self, pid: int, group: int) -> None:
        self._unfollow(pid)
        # It may have left children in the group that nobody follows yet.
        self.follow(group)
        self._on_gone(pid)

    def _unfollow(self, pid: int) -> None:
        pidfd = self._followed.pop(pid)
        self._loop.remove_reader(pidfd)
        os.close(pidfd)

    def _groups(self) -> dict[int, list[Standing]]:
        if self._table is None:
            self._table = {}
            for each in process_table():
                self._table.setdefault(each.group, []).append(each)
            self._loop.call_soon(self._grow_old)
        return self._table

    def _grow_old(self) -> None:
        self._table = None

    def close(self) -> None:
        """Forget everything."""
        for pid in tuple(self._followed):
            self._unfollow(pid)
        self._leaders.clear()


def send_certainly(stamp: Stamp, signum: int) -> bool:
    """Signal this very process and never one that got its number; False where it is gone."""
    try:
        pidfd = os.pidfd_open(stamp.pid)
    except OSError:
        return False
    try:
        if not is_living(stamp):
            return False
        signal.pidfd_send_signal(pidfd, signum)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(pidfd)
    return True


def _is_group(pgid: int) -> bool:
    try:
        os.killpg(pgid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
