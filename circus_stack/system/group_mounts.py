"""Where the hierarchies of control groups are mounted, and which groups a process is in, cgroups(7). Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct


class Mount(Struct, frozen=True):
    """One hierarchy: the group `root` of it is seen at `place`. `controllers` are named of version 1 alone."""

    place: Path
    root: str
    is_v2: bool
    controllers: frozenset[str] = frozenset()

    def place_of(self, group: str) -> Path:
        """The directory of a group; that of the root where the group is outside of what is mounted."""
        relative = os.path.relpath(group, self.root)
        return self.place if relative.startswith("..") else self.place / relative

    def offered(self, group: Path) -> frozenset[str]:
        """The controllers that may be had in a group; of version 2 its file says so."""
        if not self.is_v2:
            return self.controllers
        return frozenset(words_of(group / "cgroup.controllers") or words_of(self.place / "cgroup.controllers"))


def mounts_of(lines: Sequence[str]) -> Iterator[Mount]:
    """Those in the lines of proc_pid_mountinfo(5)."""
    for line in lines:
        fields, _, rest = line.partition(" - ")
        kind, _, options = rest.split()[:3]
        root, mounted = fields.split()[3:5]
        if kind == "cgroup2":
            yield Mount(Path(mounted), root, is_v2=True)
        elif kind == "cgroup":
            yield Mount(Path(mounted), root, is_v2=False, controllers=frozenset(options.split(",")))


def groups_of(lines: Sequence[str]) -> dict[str, str]:
    """Controller, or nothing for version 2 -> the path of the group, from the lines of /proc/PID/cgroup."""
    found = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), path))
    return found


def words_of(path: Path) -> list[str]:
    """The words of a small file of the kernel's; none where it can't be read."""
    try:
        return path.read_text().split()
    except OSError:
        return []
