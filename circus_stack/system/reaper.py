"""The one place that waits for children: pidfds for what the arbiter started, SIGCHLD for strangers handed to it.

A stranger is a descendant whose own parent died; the arbiter is its subreaper. Who was adopted is another one's child:
its end is seen by its pidfd, its status is not. Nothing here sleeps or polls.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from circus_stack.system.descent import (
    descendants,
    has_living_member,
    session_of,
    signal_group,
    signal_own_group,
)
from circus_stack.system.foundlings import Foundlings
from circus_stack.system.open_files import given_limits, out_of_the_way
from circus_stack.system.ready_set import ReadySet
from circus_stack.system.signals import answer_signal
from circus_stack.system.spawn import Child

# How often at most /proc is searched for zombies of strangers while one of ours is held.
_SEARCH_S = 0.1


def _ignore(_pid: int) -> bool:
    """Nobody cares, nor asks to wait."""
    return False


def _forget(_pid: int, _exit_code: int | None) -> None:
    """Nobody cares."""


class _Watched(Struct, frozen=True):
    pidfd: int
    on_exit: Callable[[int, int | None], None]
    before_reap: Callable[[int], bool]
    is_child: bool = True


class Reaper:
    """Reaps, and calls back in the loop: `on_exit(pid, exit_code)` for a child that was added, `on_stranger(pid)` else.

    Exit codes are the status of exit(), or minus the number of the signal; None for one that was adopted.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_stranger: Callable[[int], None], *, takes_strangers: bool = True
    ) -> None:
        self._loop = loop
        # In somebody else's process they are that program's own children, who waits for them itself.
        self._takes_strangers = takes_strangers
        self._on_stranger = on_stranger
        self._foundlings = Foundlings(loop, on_stranger)
        self._watched: dict[int, _Watched] = {}
        self._pidfds = ReadySet(loop)
        # Zombies that keep their number until they are released.
        self._held: set[int] = set()
        self._sharers = 0
        # How many strangers were reaped so far: who looks for some in /proc knows by it that he may have missed one.
        self.strangers = 0
        self._search: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to listen for SIGCHLD; where strangers are taken, the loop must be the main thread's."""
        if self._takes_strangers:
            answer_signal(self._loop, signal.SIGCHLD, self.reap_strangers)

    def add(
        self, child: Child, on_exit: Callable[[int, int | None], None], before_reap: Callable[[int], bool] = _ignore
    ) -> None:
        """Take over a started child, its pidfd included; `on_exit(pid, exit_code)` is called once.

        Just before it, `before_reap(pid)` is called while the child is a zombie: it keeps its number until then, so
        that what is left of its process group can be signalled, and nobody else. Afterwards the number may be
        anybody's, unless the group lives on. Where it returns True, the zombie is held until it is released.

        One that was adopted may be gone by then: it is its own parent who reaps it, and learns its status.
        """
        if child.stamp is not None:
            self._foundlings.add(child.stamp)
        self._watched[child.pid] = _Watched(child.pidfd, on_exit, before_reap, is_child=child.stamp is None)
        self._pidfds.add(child.pidfd, self._reap, child.pid)
        if given_limits() is not None:
            # Not at once: others may be about to start under the limit that forbids the number.
            self._loop.call_soon(self._move, child.pid)

    def _move(self, pid: int) -> None:
        """Out of the way of those who need a low number."""
        watched = self._watched.get(pid)
        if watched is None or pid in self._held:
            return
        self._pidfds.remove(watched.pidfd)
        moved = out_of_the_way(watched.pidfd)
        self._watched[pid] = replace(watched, pidfd=moved)
        self._pidfds.add(moved, self._reap, pid)

    def is_held(self, pid: int) -> bool:
        """Whether the child has ended and waits to be released."""
        return pid in self._held

    def release(self, pid: int) -> None:
        """Reap a child that is held; `on_exit` is called before this returns. Nothing where it isn't held."""
        if pid in self._held:
            self._held.discard(pid)
            watched = self._watched[pid]
            if self._has_ended(watched):
                self._finish(pid, watched)

    def disown(self, pid: int) -> None:
        """Reap the child when it ends, and tell nobody."""
        watched = self._watched.get(pid)
        if watched is not None:
            self._watched[pid] = replace(watched, on_exit=_forget, before_reap=_ignore)
            self.release(pid)

    def share(self) -> None:
        """A thread may start programs of its own and wait for them: until it is back, leave its children to it."""
        self._sharers += 1

    def unshare(self) -> None:
        """The thread is back: what it left is ours to reap."""
        self._sharers -= 1
        if not self._sharers:
            self._loop.call_soon(self.reap_strangers)

    @property
    def watched(self) -> frozenset[int]:
        """Those that were added and are not reaped yet."""
        return frozenset(self._watched)

    def knows(self, pid: int) -> bool:
        """Whether `pid` was added and is not reaped yet, so that it cannot have been given to another process."""
        return pid in self._watched

    def send(self, pid: int, signum: int) -> bool:
        """Signal a child that was added; False where it is gone."""
        watched = self._watched.get(pid)
        if watched is None:
            return False
        try:
            signal.pidfd_send_signal(watched.pidfd, signum)
        except ProcessLookupError:
            return False
        return True

    def reap_strangers(self) -> None:
        """Reap all zombies that nobody added; those that were added are reaped by the way."""
        if not self._takes_strangers:
            self._reap_own_orphans()
            return
        while not self._held and not self._sharers:
            try:
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if info is None:
                return
            if info.si_pid in self._watched:
                self._reap(info.si_pid)
                continue
            self._reap_stranger(info.si_pid)
        # The kernel shows one and the same zombie first, again and again: behind one that stays, look by number.
        if self._search is None:
            self._search = self._loop.call_later(_SEARCH_S, self._search_strangers)

    def _reap_own_orphans(self) -> None:
        """In somebody else's process that adopts orphans, as PID 1 of a container does: a zombie that nobody reaps
        keeps its group alive for ever. What that program has started itself is in its session, or leads its own."""
        for pid in descendants(recursive=False):
            if pid not in self._watched and session_of(pid) not in (None, pid, os.getsid(0)):
                self._reap_stranger(pid)

    def _search_strangers(self) -> None:
        self._search = None
        for pid in descendants(recursive=False):
            # What a thread of ours has started is in our own session; what was handed to us is in another one.
            if pid not in self._watched and not (self._sharers and session_of(pid) == os.getsid(0)):
                self._reap_stranger(pid)
        if not self._held and not self._sharers:
            self.reap_strangers()

    def _reap_stranger(self, pid: int) -> None:
        # Before it is done: no look may see neither the zombie nor that it was reaped.
        self.strangers += 1
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                return
        self._on_stranger(pid)

    def _reap(self, pid: int) -> None:
        watched = self._watched[pid]
        if not self._has_ended(watched):
            return
        is_to_wait = False
        try:
            is_to_wait = watched.before_reap(pid)
        finally:
            # Whatever that did: a zombie that stays would wake the loop for ever.
            self._pidfds.remove(watched.pidfd)
            if is_to_wait:
                self._held.add(pid)
            else:
                self._finish(pid, watched)

    def _has_ended(self, watched: _Watched) -> bool:
        """Of what is not our child the pidfd alone tells, and it wakes us for nothing else."""
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return not watched.is_child or os.waitid(os.P_PIDFD, watched.pidfd, how) is not None

    def _finish(self, pid: int, watched: _Watched) -> None:
        info = os.waitid(os.P_PIDFD, watched.pidfd, os.WEXITED | os.WNOHANG) if watched.is_child else None
        os.close(watched.pidfd)
        del self._watched[pid]
        if info is None:
            watched.on_exit(pid, None)
        else:
            watched.on_exit(pid, info.si_status if info.si_code == os.CLD_EXITED else -info.si_status)

    # -- groups -----------------------------------------------------------------------------------------------

    def signal_group(self, pid: int, signum: int) -> bool:
        """Signal the group that `pid` leads, which is not reaped yet; 0 asks whether it is there. False where not."""
        return self._foundlings.signal(pid, signum) if pid in self._foundlings else signal_group(pid, signum)

    def signal_orphaned_group(self, pid: int, signum: int) -> bool:
        """Signal what is left of a group whose leader is gone; False where nothing of ours is."""
        return self._foundlings.signal(pid, signum) if pid in self._foundlings else signal_own_group(pid, signum)

    def has_group(self, pid: int, *, thoroughly: bool = False) -> bool:
        """Whether anything is left of the group. `thoroughly`: no zombie counts, which takes a look at all of /proc."""
        if pid in self._foundlings:
            return bool(self._foundlings.members(pid))
        return signal_group(pid, 0) and not (thoroughly and not has_living_member(pid))

    def follow_group(self, pid: int) -> None:
        """Hear of the ends of those who are left of an adopted one's group, as of strangers that are handed to us."""
        self._foundlings.follow(pid)

    def forget_group(self, pid: int) -> None:
        """Nothing of it is left."""
        self._foundlings.forget(pid)

    def close(self) -> None:
        """Forget everything; children that still run are nobody's."""
        self._loop.remove_signal_handler(signal.SIGCHLD)
        if self._search is not None:
            self._search.cancel()
        self._pidfds.close()
        for watched in self._watched.values():
            os.close(watched.pidfd)
        self._watched.clear()
        self._held.clear()
        self._foundlings.close()
