"""Control groups: which controllers there are, in version 2 or 1, and one group with its limits. No policy.

A group is a directory in each hierarchy that it needs. Writes may wait while the kernel takes memory away from a group.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

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
    own = dict(_own_groups((proc / "cgroup").read_text().splitlines()))
    found: dict[str, Hierarchy] = {}
    for line in (proc / "mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split()[:3]
        root, mounted = fields.split()[3:5]
        if kind == "cgroup2":
            base = _inside(mounted, root, own.get("", "/"))
            names = _words(base / "cgroup.controllers") or _words(Path(mounted) / "cgroup.controllers")
            found.update({name: Hierarchy(base, is_v2=True) for name in names if name in CONTROLLERS})
        elif kind == "cgroup":
            for name in set(options.split(",")) & set(CONTROLLERS):
                found.setdefault(name, Hierarchy(_inside(mounted, root, own.get(name, "/")), is_v2=False))
    return found


def _own_groups(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Controller, or nothing for version 2 -> the path of the group that the process is in."""
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for name in controllers.split(","):
            yield name, path


def _inside(mounted: str, root: str, path: str) -> Path:
    relative = os.path.relpath(path, root)
    return Path(mounted) if relative.startswith("..") else Path(mounted) / relative


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


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
        words = _words(self.directory("memory") / ("memory.events" if is_v2 else "memory.oom_control"))
        return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0

    def entrance(self, controller: str) -> Path:
        """The file that a process is written to."""
        return self.directory(controller) / _PROCS

    def members(self) -> frozenset[int]:
        """The pids in it, in any hierarchy."""
        found = (_words(self.entrance(controller)) for controller in self._hierarchies)
        return frozenset(int(pid) for pids in found for pid in pids)

    def remove(self) -> None:
        """Remove it with what is in it, but for what still has processes."""
        for controller in self._hierarchies:
            _remove(self.directory(controller))


def _enable(directory: Path, controller: str) -> None:
    """Let groups in this one have a controller."""
    control = directory / "cgroup.subtree_control"
    if controller in _words(control):
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
