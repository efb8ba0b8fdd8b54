"""Who descends from whom, by /proc: one listing a look, and one file for each process that is new in it."""

from __future__ import annotations

import os
from pathlib import Path

_LINE = 2048


class ProcKin:
    """Remembers the parent that a process had when it first was seen: one whose parent ends stays in its family."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = str(proc)
        self._newest = b""
        self._names: set[str] = set()
        self._parents: dict[int, int] = {}
        self._children: dict[int, list[int]] = {}

    def look(self) -> None:
        """Take notice of who came and who went since the look before."""
        newest = self._read_newest()
        if newest and newest == self._newest:
            # Nobody came; of one that went, the reading tells.
            return
        self._newest = newest
        names = set(os.listdir(self._proc))  # noqa: PTH208 - a Path for each of a thousand would cost ten times as much
        for name in self._names - names:
            self._remove(name)
        for name in names - self._names:
            self._add(name)
        self._names = names

    def _read_newest(self) -> bytes:
        """The number that the kernel gave last, proc_loadavg(5); empty where that is not told."""
        try:
            with open(f"{self._proc}/loadavg", "rb", buffering=0) as file:  # noqa: PTH123 - as above
                return file.read(_LINE).rpartition(b" ")[2]
        except OSError:
            return b""

    def _add(self, name: str) -> None:
        if not name.isdigit():
            return
        pid, parent = int(name), self._read_parent(name)
        self._parents[pid] = parent
        if parent:
            self._children.setdefault(parent, []).append(pid)

    def _read_parent(self, name: str) -> int:
        try:
            fd = os.open(f"{self._proc}/{name}/stat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return 0
        try:
            # proc_pid_stat(5): the name in parentheses may hold anything; then state and parent.
            return int(os.read(fd, _LINE).rpartition(b")")[2].split(None, 2)[1])
        except (OSError, ValueError, IndexError):
            return 0
        finally:
            os.close(fd)

    def _remove(self, name: str) -> None:
        if not name.isdigit():
            return
        pid = int(name)
        parent = self._parents.pop(pid, 0)
        siblings = self._children.get(parent)
        if siblings is not None:
            siblings.remove(pid)
            if not siblings:
                del self._children[parent]

    def below(self, pid: int) -> list[int]:
        """Whoever descends from a process, nearest first, as of the last look."""
        if pid not in self._children:
            return []
        found = list(self._children[pid])
        known = set(found)
        for each in found:
            # The list grows under the loop. A number that was given anew can't make a circle: it would be its own
            # ancestor.
            new = [child for child in self._children.get(each, ()) if child not in known]
            known.update(new)
            found.extend(new)
        return found

    def parent(self, pid: int) -> int:
        """The parent that a process had when it was first seen; 0 where nobody knows."""
        return self._parents.get(pid, 0)
