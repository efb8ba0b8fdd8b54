"""Who descends from processes that have ended: asked by all watchers, answered by looks at /proc that they share.

The arbiter is a subreaper, so that whatever survives its parent is a child of the arbiter or descends from one. Where
it has no child that it didn't start, nobody has strayed, and that is known without a look at everybody.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from circus_stack.arbiter.batches import Batches
from circus_stack.arbiter.marker import tokens_in
from circus_stack.system.family import Family, Killed, Kin, Sighting
from circus_stack.system.process_table import Entry, children_of, read_entry, read_environment
from circus_stack.system.reaper import Reaper


class Kinship:
    """The looks of one arbiter. `adopts_orphans`: it is a subreaper; in somebody else's program it is not, and orphans
    go where nobody could tell without looking."""

    def __init__(self, loop: asyncio.AbstractEventLoop, reaper: Reaper, *, adopts_orphans: bool = True) -> None:
        self._loop = loop
        self._reaper = reaper
        self._adopts_orphans = adopts_orphans
        kin = Kin(tokens_in, reaper.knows, lambda: reaper.strangers)
        self._finds: Batches[Family, Sighting] = Batches(kin.find)
        self._kills: Batches[Family, Killed] = Batches(kin.kill)
        self._waiting: list[Callable[[bool], None]] = []
        self._spared_tokens: set[str] = set()

    def when_known(self, callback: Callable[[bool], None]) -> None:
        """Call back in the loop's next turn: whether anybody can have strayed by then at all. One look a turn."""
        if not self._waiting:
            self._loop.call_soon(self._tell)
        self._waiting.append(callback)

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        answer = not self._adopts_orphans or self._may_have_strays()
        for callback in waiting:
            callback(answer)

    def _may_have_strays(self) -> bool:
        """False only where it is certain: the kernel's list may lack some while others leave it."""
        children = children_of(os.getpid())
        return bool(self._unknown(children)) or children_of(os.getpid()) != children

    def _unknown(self, children: list[int]) -> list[Entry | None]:
        """Those that we haven't started and no hook has; None for one that has just gone."""
        own = os.getsid(0)
        found = (read_entry(pid) for pid in children if not self._reaper.knows(pid))
        return [entry for entry in found if entry is None or entry.session != own]

    def strays(self) -> list[int]:
        """The living children of ours that we haven't started, but for those of a hook: they are in our own session."""
        return [
            entry.pid for entry in self._unknown(children_of(os.getpid())) if entry is not None and not entry.is_zombie
        ]

    async def find(self, family: Family) -> Sighting:
        """What can be seen of a family."""
        return await self._finds.ask(family)

    async def kill(self, family: Family) -> Killed:
        """SIGKILL to all of a family, until none is left or none more can be ended."""
        return await self._kills.ask(family)

    def spare(self, token: str) -> None:
        """What the process with that token has left behind may outlive the arbiter."""
        self._spared_tokens.add(token)

    @property
    def spared_tokens(self) -> frozenset[str]:
        """The tokens of processes whose strays may outlive the arbiter."""
        return frozenset(self._spared_tokens)

    def spared(self) -> frozenset[int]:
        """The strays that may outlive the arbiter."""
        if not self._spared_tokens:
            return frozenset()
        return frozenset(
            pid for pid in self.strays() if not self._spared_tokens.isdisjoint(tokens_in(read_environment(pid)))
        )
