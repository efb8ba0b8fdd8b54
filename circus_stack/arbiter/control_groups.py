"""The control groups of one stack: one for each watcher that has a limit for all of its processes together.

Where the machine has no such controller, or doesn't let us use it, that is said once, and the watcher runs without.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct, field

from circus_stack.config.schema import WatcherConfig
from circus_stack.system.cgroups import Group, GroupLimits, Hierarchy, find_hierarchies
from circus_stack.system.memory import total_memory
from circus_stack.system.process_table import tree_below

log = logging.getLogger(__name__)

_OPTIONS = {"memory": "memory_max", "cpu": "cpu_max", "pids": "pids_max"}


def limits_of(config: WatcherConfig) -> GroupLimits:
    """What its options ask for."""
    memory = None if config.memory_max is None else config.memory_max.bytes_of(total_memory)
    return GroupLimits(memory, config.cpu_max, config.pids_max or None)


class ControlGroupsRecord(Struct, frozen=True, kw_only=True):
    """What an arbiter hands over of them. `bases`, by controller: the group in which ours are made, which isn't the one
    that the next arbiter finds itself in where this one had to leave it; and whether that is of version 2. `known`: the
    controllers of each watcher's group; `kills`: those of each that were told."""

    bases: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kills: Mapping[str, int] = field(default_factory=dict)


class ControlGroups:
    """Makes, changes and removes them; each is named by the stack's id and the watcher's name."""

    def __init__(self, instance: str = "") -> None:
        self._name = f"circus-stack-{instance or 'nameless'}"
        self._known: dict[str, frozenset[str]] = {}
        # What was written last: (watcher, controller) -> limit.
        self._written: dict[tuple[str, str], float | None] = {}
        self._kills: dict[str, int] = {}
        self._told: set[tuple[str, str, float | None]] = set()

    @cached_property
    def _hierarchies(self) -> dict[str, Hierarchy]:
        try:
            return find_hierarchies()
        except (OSError, ValueError) as error:
            log.debug("control groups cannot be found: %s", error)
            return {}

    # -- handing over -----------------------------------------------------------------------------------------

    def state(self) -> ControlGroupsRecord:
        """What others can go on from; nothing where there is no group."""
        if not any(self._known.values()):
            return ControlGroupsRecord()
        return ControlGroupsRecord(
            bases={name: (str(each.base), each.is_v2) for name, each in self._hierarchies.items()},
            known={name: tuple(sorted(controllers)) for name, controllers in self._known.items()},
            kills=dict(self._kills),
        )

    def restore(self, record: ControlGroupsRecord) -> None:
        """Go on where others were. Limits are written again with the next process, in case that they were changed."""
        if record.bases:
            self._hierarchies = {name: Hierarchy(Path(base), is_v2=v2) for name, (base, v2) in record.bases.items()}
        # One without a process may have been removed meanwhile: it is made again with the next process.
        self._known = {
            name: frozenset(each for each in controllers if self._group(name).is_there(each))
            for name, controllers in record.known.items()
        }
        self._kills = dict(record.kills)

    # -- a watcher --------------------------------------------------------------------------------------------

    def entrances(self, config: WatcherConfig) -> tuple[str, ...]:
        """The files by which a process of the watcher enters its group, which has its limits then; none where it has no
        limit, or none that can be set here."""
        limits = limits_of(config).values()
        wanted = {controller for controller, value in limits.items() if value is not None}
        if not wanted and config.name not in self._known:
            return ()
        known = self._known.get(config.name, frozenset())
        made = {each for each in wanted - known if self._make(config, each, limits[each])}
        self._known[config.name] = known | made
        for controller in self._known[config.name]:
            self._limit(config, controller, limits[controller])
        group = self._group(config.name)
        return tuple(str(group.entrance(controller)) for controller in sorted(self._known[config.name]))

    def follow(self, old: WatcherConfig, new: WatcherConfig, pids: Collection[int]) -> None:
        """A watcher has other options now: its limits hold at once, for its running processes too. The kernel may have
        to take memory away first, so that this goes on in a thread."""
        if limits_of(old) != limits_of(new):
            asyncio.get_running_loop().run_in_executor(None, self._change, new, tuple(pids))

    def _change(self, config: WatcherConfig, pids: Collection[int]) -> None:
        entrances = self.entrances(config)
        family = [*pids, *(pid for leader in pids for pid, _ in tree_below(leader))] if entrances else []
        for entrance in entrances:
            for pid in family:
                try:
                    with open(entrance, "w") as file:  # noqa: PTH123 - a text of ours, and one line
                        file.write(str(pid))
                except ProcessLookupError:
                    continue
                except OSError as error:
                    log.warning("process %d of %s cannot be limited: %s", pid, config.name, error)

    def has_killed(self, name: str) -> bool:
        """Whether the kernel has killed a process of the watcher for want of memory since this was asked last."""
        if "memory" not in self._known.get(name, ()):
            return False
        now = self._group(name).out_of_memory_kills()
        before, self._kills[name] = self._kills.get(name, 0), now
        return now > before

    def members(self, name: str) -> frozenset[int]:
        """Who is in the watcher's group."""
        return self._group(name).members() if self._known.get(name) else frozenset()

    def forget(self, name: str) -> None:
        """The watcher is no more."""
        if self._known.pop(name, None):
            self._group(name).remove()
        self._kills.pop(name, None)
        self._written = {key: value for key, value in self._written.items() if key[0] != name}

    def close(self) -> None:
        """Remove all groups that have no process: at the end, and what an arbiter that was killed has left."""
        Group(self._hierarchies, self._name).remove()

    # -- inside -----------------------------------------------------------------------------------------------

    def _group(self, name: str) -> Group:
        return Group(self._hierarchies, self._name, quote(name, safe=" ").lstrip(".") or "_")

    def _make(self, config: WatcherConfig, controller: str, value: float | None) -> bool:
        try:
            if controller not in self._hierarchies:
                raise OSError("this machine has no such controller mounted")
            self._group(config.name).make(controller)
        except OSError as error:
            self._tell(config, controller, value, error)
            return False
        return True

    def _limit(self, config: WatcherConfig, controller: str, value: float | None) -> None:
        key = config.name, controller
        if key in self._written and self._written[key] == value:
            return
        try:
            self._group(config.name).limit(controller, value)
            self._written[key] = value
        except OSError as error:
            self._tell(config, controller, value, error)

    def _tell(self, config: WatcherConfig, controller: str, value: float | None, error: OSError) -> None:
        option = _OPTIONS[controller]
        if (config.name, option, value) not in self._told:
            self._told.add((config.name, option, value))
            reason = error.strerror or error
            where = f" ({error.filename})" if error.filename else ""
            log.warning(
                "%s: %s has no effect, the control group for %s: %s%s", config.name, option, controller, reason, where
            )
