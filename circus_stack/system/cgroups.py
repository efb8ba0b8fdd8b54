"""Control groups: which controllers there are, in version 2 or 1, and one group with its limits. No policy.

A group is a directory in each hierarchy that it needs. Writes may wait while the kernel takes memory away from a group.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from msgspec import Struct

from circus_stack.system.group_mounts import groups_of, mounts_of, words_of

CONTROLLERS = ("memory", "cpu", "pids")
# The kernel's default, in microseconds.
_PERIOD_US = 100_000
_PROCS = "cgroup.procs"
# Where the arbiter itself goes in version 2, which allows no process beside groups that have controllers.
_OWN_LEAF = "circus-stack-arbiter"


class Hierarchy(Struct, frozen=True):
    """The place in one hierarchy where groups may be made: the control group that this process is in."""

    base: Path
    is_v2: bool


class GroupLimits(Struct, frozen=True):
    """Bytes, processors (0.5 is half of one) and processes; None: no limit."""

    memory: int | None = None
    cpu: float | None = None
    pids: int | None = None

    def values(self) -> dict[str, float | None]:
        """By controller."""
        return {"memory": self.memory, "cpu": self.cpu, "pids": self.pids}


def find_hierarchies(proc: Path = Path("/proc/self")) -> dict[str, Hierarchy]:
    """Controller -> where it is; version 2 goes before version 1. Nothing is changed, and perhaps nothing may be."""
    own = groups_of((proc / "cgroup").read_text().splitlines())
    found: dict[str, Hierarchy] = {}
    for mount in mounts_of((proc / "mountinfo").read_text().splitlines()):
        for name in CONTROLLERS:
            base = mount.place_of(own.get("" if mount.is_v2 else name, "/"))
            if name in mount.offered(base) and (mount.is_v2 or name not in found):
                found[name] = Hierarchy(base, mount.is_v2)
    return found


class Group:
    """One group in those hierarchies that its limits need. Methods raise OSError."""

    def __init__(self, hierarchies: dict[str, Hierarchy], *names: str) -> None:
        self._hierarchies = hierarchies
        self._names = names

    def directory(self, controller: str) -> Path:
        return self._hierarchies[controller].base.joinpath(*self._names)

    def is_there(self, controller: str) -> bool:
        """Whether it is there with a controller."""
        return controller in self._hierarchies and self.directory(controller).is_dir()

    def make(self, controller: str) -> None:
        """Make it, where it isn't there, with a controller."""
        hierarchy = self._hierarchies[controller]
        directory = hierarchy.base
        for name in self._names:
            if hierarchy.is_v2:
                _enable(directory, controller)
            directory /= name
            directory.mkdir(exist_ok=True)

    def limit(self, controller: str, value: float | None) -> None:
        """Write a limit of that controller; None: no limit."""
        directory = self.directory(controller)
        is_v2 = self._hierarchies[controller].is_v2
        if controller == "cpu":
            _limit_cpu(directory, value, is_v2=is_v2)
            return
        none = "-1" if controller == "memory" and not is_v2 else "max"
        file = "pids.max" if controller == "pids" else "memory.max" if is_v2 else "memory.limit_in_bytes"
        (directory / file).write_text(none if value is None else str(int(value)))

    def out_of_memory_kills(self) -> int:
        """How many processes the kernel has killed since the group was made; 0 where it doesn't tell."""
        is_v2 = self._hierarchies["memory"].is_v2
        words = words_of(self.directory("memory") / ("memory.events" if is_v2 else "memory.oom_control"))
        return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0

    def entrance(self, controller: str) -> Path:
        """The file that a process is written to."""
        return self.directory(controller) / _PROCS

    def members(self) -> frozenset[int]:
        """The pids in it, in any hierarchy."""
        found = (words_of(self.entrance(controller)) for controller in self._hierarchies)
        return frozenset(int(pid) for pids in found for pid in pids)

    def remove(self) -> None:
        """Remove it with what is in it, but for what still has processes."""
        for controller in self._hierarchies:
            _remove(self.directory(controller))


def _enable(directory: Path, controller: str) -> None:
    """Let groups in this one have a controller."""
    control = directory / "cgroup.subtree_control"
    if controller in words_of(control):
        return
    try:
        control.write_text(f"+{controller}")
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # Processes beside groups: ours among them, as a service with Delegate=yes begins.
        leaf = directory / _OWN_LEAF
        leaf.mkdir(exist_ok=True)
        (leaf / _PROCS).write_text(str(os.getpid()))
        control.write_text(f"+{controller}")


def _limit_cpu(directory: Path, value: float | None, *, is_v2: bool) -> None:
    quota = None if value is None else max(1000, int(value * _PERIOD_US))
    if is_v2:
        (directory / "cpu.max").write_text(f"{'max' if quota is None else quota} {_PERIOD_US}")
    else:
        (directory / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
        (directory / "cpu.cfs_quota_us").write_text(str(-1 if quota is None else quota))


def _remove(directory: Path) -> None:
    with contextlib.suppress(OSError):
        for each in directory.iterdir():
            if each.is_dir():
                _remove(each)
    with contextlib.suppress(OSError):
        directory.rmdir()
