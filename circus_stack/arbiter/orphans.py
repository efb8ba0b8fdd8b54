"""What one watcher's processes leave behind when they end, wherever it went: asked to go, then killed.

A process is over when its leader is: a daemon that it has detached, or a child that took over from it, is left alone as
long as the leader lives, and no longer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

from msgspec import Struct, field
from msgspec.structs import replace

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.process import Process
from circus_stack.config.values import KillMode
from circus_stack.events import OrphansEnded
from circus_stack.states import WatcherState
from circus_stack.system.ending import wait_ended
from circus_stack.system.family import Family, Killed, nobody
from circus_stack.system.process_table import Entry, signal_entry, tree_below

log = logging.getLogger(__name__)

# What has left the process's group has so long to go by itself once it is asked, and no longer than the process had: a
# daemon that ignores the signal must not hold up the end of a stack.
_STRAYED_S = 1.0


class _Hunt(Struct):
    """What is done about one process's orphans. `is_awaited`: the process counts as there until this is over. Until
    the `deadline`, in the loop's time, they may go by themselves."""

    family: Family
    is_awaited: bool
    deadline: float
    hurried: asyncio.Event = field(default_factory=asyncio.Event)
    asked: dict[tuple[int, int], Entry] = field(default_factory=dict)


class Orphans:
    """Ends what is left; `on_over(pid)` is called when nothing of a process is left any more."""

    def __init__(self, charge: Charge, on_over: Callable[[int], None]) -> None:
        self._charge = charge
        self._on_over = on_over
        self._seen: dict[int, frozenset[tuple[int, int]]] = {}
        self._hunts: dict[int, _Hunt] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # -- questions --------------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether anything may be left of any process that has ended."""
        return bool(self._hunts)

    def is_awaited(self, pid: int) -> bool:
        """Whether a process that has ended counts as there because of what may be left of it."""
        hunt = self._hunts.get(pid)
        return hunt is not None and hunt.is_awaited

    # -- what happens to a process ----------------------------------------------------------------------------

    def look(self, pid: int) -> None:
        """The process is about to be asked to go: who is below it can be seen now, and no more when it is gone."""
        if self._charge.config.kill_mode is KillMode.ALL:
            self._seen[pid] = tree_below(pid)

    def capture(self, process: Process, *, is_awaited: bool, is_ours: bool, grace_s: float) -> None:
        """The process is gone: its orphans have `grace_s` seconds. `is_ours`: it was a child of the arbiter, which its
        orphans were handed to; those of an adopted one may be anywhere."""
        seen = self._seen.pop(process.pid, frozenset())
        means = self._charge.means
        if self._charge.config.kill_mode is not KillMode.ALL:
            means.kinship.when_known(lambda are_some: means.kinship.spare(process.token) if are_some else None)
            return
        family = Family(process.pid, process.token, seen, grouped=self._grouped if is_awaited else nobody)
        hunt = _Hunt(family, is_awaited, means.loop.time() + grace_s)
        self._hunts[process.pid] = hunt
        means.kinship.when_known(lambda are_some: self._known(hunt, are_some=are_some or not is_ours))

    def _grouped(self) -> Collection[int]:
        """Who is in the watcher's control group, once its last process has gone: nobody escapes that."""
        watcher = self._charge.watcher
        if watcher.state is not WatcherState.STOPPING or any(
            not each.is_lingering for each in watcher.processes.values()
        ):
            return ()
        return self._charge.means.control_groups.members(watcher.config.name)

    def _known(self, hunt: _Hunt, *, are_some: bool) -> None:
        if not are_some:
            self._end(hunt)
            return
        task = self._charge.means.loop.create_task(self._hunt(hunt), name=f"the orphans of {self._charge.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def hurry(self, pid: int | None = None) -> None:
        """No more time for what is left of a process, or of all."""
        for hunt in [self._hunts[pid]] if pid in self._hunts else self._hunts.values() if pid is None else ():
            hunt.hurried.set()

    # -- the hunt ---------------------------------------------------------------------------------------------

    async def _hunt(self, hunt: _Hunt) -> None:
        try:
            killed = await self._ask_then_kill(hunt)
        except Exception:
            # The end of the arbiter looks for them again.
            log.exception("what %s left behind could not be ended", self._charge.name)
        else:
            self._tell(hunt, killed)
        finally:
            self._end(hunt)

    async def _ask_then_kill(self, hunt: _Hunt) -> Killed | None:
        """None where all have gone without being killed."""
        means = self._charge.means
        strayed_until = min(hunt.deadline, means.loop.time() + _STRAYED_S)
        while members := (sighting := await means.kinship.find(hunt.family)).members:
            is_grouped = any(entry.group == hunt.family.leader for entry in members)
            left_s = (hunt.deadline if is_grouped else strayed_until) - means.loop.time()
            if left_s <= 0 or hunt.hurried.is_set():
                return await means.kinship.kill(hunt.family)
            self._ask(hunt, members)
            await wait_ended(members, hunt.hurried, left_s)
        # Whoever cannot be seen for haste cannot be asked either.
        return None if sighting.is_certain else await means.kinship.kill(hunt.family)

    def _ask(self, hunt: _Hunt, members: list[Entry]) -> None:
        fresh = [entry for entry in members if entry.key not in hunt.asked]
        for entry in fresh:
            hunt.asked[entry.key] = entry
            # The process group was asked when its leader ended.
            if entry.group != hunt.family.leader:
                signal_entry(entry, self._charge.config.stop_signal)
        hunt.family = replace(hunt.family, seen=hunt.family.seen | {entry.key for entry in fresh})

    def _tell(self, hunt: _Hunt, killed: Killed | None) -> None:
        charge, leader = self._charge, hunt.family.leader
        strayed = {entry.pid for entry in hunt.asked.values() if entry.group != leader}
        done = killed or Killed((), ())
        pids = tuple(sorted((strayed | {*done.gone}) - {*done.left}))
        if not pids and not done.left:
            return
        charge.publish(
            OrphansEnded(watcher=charge.name, time=charge.epoch(), process_pid=leader, pids=pids, left=done.left)
        )
        if done.left:
            log.error("%s: what process %d left behind cannot be ended: %s", charge.name, leader, [*done.left])

    def _end(self, hunt: _Hunt) -> None:
        pid = hunt.family.leader
        if self._hunts.get(pid) is hunt:
            del self._hunts[pid]
        self._on_over(pid)
