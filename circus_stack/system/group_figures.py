"""What control groups say of the processes in them: memory, its limit, time of being held back. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from circus_stack.system.group_mounts import Mount, groups_of, mounts_of

# Version 1 writes the absence of a limit as the largest multiple of a page.
_NO_LIMIT = 2**60


class GroupReader:
    """Tells of processes that are in a group of their own, not in this program's or in one around that."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        """Without control groups nothing is told."""
        self._proc = proc
        try:
            self._own = groups_of(_lines(proc / "self" / "cgroup"))
            self._mounts = _by_controller(mounts_of(_lines(proc / "self" / "mountinfo")), self._own)
        except (OSError, ValueError):
            self._mounts, self._own = {}, {}

    def read(self, pid: int) -> Mapping[str, int | float | None]:
        """`group_memory` and `group_memory_limit` (bytes), `group_throttled` (seconds): those that there are."""
        if not self._mounts:
            return {}
        try:
            groups = groups_of(_lines(self._proc / str(pid) / "cgroup"))
        except (OSError, ValueError):
            return {}
        return {**self._memory(groups), **self._cpu(groups)}

    def _place(self, controller: str, groups: Mapping[str, str]) -> tuple[Path, Mount] | None:
        mount = self._mounts.get(controller)
        if mount is None:
            return None
        name = "" if mount.is_v2 else controller
        group, own = groups.get(name), self._own.get(name, "/")
        if group is None or group == own or own.startswith(group.rstrip("/") + "/"):
            return None
        return mount.place_of(group), mount

    def _memory(self, groups: Mapping[str, str]) -> Mapping[str, int | None]:
        found = self._place("memory", groups)
        if found is None:
            return {}
        place, mount = found
        used = _number(place / ("memory.current" if mount.is_v2 else "memory.usage_in_bytes"))
        limit = _number(place / ("memory.max" if mount.is_v2 else "memory.limit_in_bytes"))
        if used is None:
            return {}
        return {"group_memory": used, "group_memory_limit": limit if limit is None or limit < _NO_LIMIT else None}

    def _cpu(self, groups: Mapping[str, str]) -> Mapping[str, float]:
        found = self._place("cpu", groups)
        if found is None:
            return {}
        place, mount = found
        name, unit_s = ("throttled_usec", 1e-6) if mount.is_v2 else ("throttled_time", 1e-9)
        told = dict(line.split(" ", 1) for line in _lines_or_none(place / "cpu.stat") if " " in line)
        return {"group_throttled": int(told[name]) * unit_s} if told.get(name, "").isdigit() else {}


def _by_controller(mounts: Iterable[Mount], own: Mapping[str, str]) -> dict[str, Mount]:
    """Where memory and processors are counted; version 2 goes before version 1."""
    found: dict[str, Mount] = {}
    for mount in sorted(mounts, key=lambda mount: mount.is_v2):
        for name in ("memory", "cpu"):
            if name in mount.offered(mount.place_of(own.get("" if mount.is_v2 else name, "/"))):
                found[name] = mount
    return found


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def _lines_or_none(path: Path) -> list[str]:
    try:
        return _lines(path)
    except OSError:
        return []


def _number(path: Path) -> int | None:
    """None for "max", and for a file that isn't there."""
    lines = _lines_or_none(path)
    return int(lines[0]) if lines and lines[0].isdigit() else None
