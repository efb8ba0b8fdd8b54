"""Finds processes by a variable that they were started with. Reads /proc; changes nothing.

A program may overwrite the memory that /proc shows (setproctitle does): whoever isn't found here may still be there.
"""

from __future__ import annotations

from pathlib import Path


def marked_processes(name: str) -> dict[int, str]:
    """pid -> value of the variable, of all processes that were started with it: descendants inherit it."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            value = mark_of(int(entry.name), name)
            if value is not None:
                found[int(entry.name)] = value
    return found


def mark_of(pid: int, name: str) -> str | None:
    """The value that a process was started with; None where there is none, or it can't be seen."""
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None
    start = (b"\0" + environ).find(b"\0" + name.encode() + b"=")
    if start < 0:
        return None
    return environ[start + len(name) + 1 :].split(b"\0", 1)[0].decode(errors="replace")
