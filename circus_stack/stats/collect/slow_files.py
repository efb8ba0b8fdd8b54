"""The slow figures of one process by itself, by Linux's /proc. What may not be read of it is None."""

from __future__ import annotations

import os

from circus_stack.stats.collect.slow import NOTHING, SlowFields

_MOST = 16 * 1024
_KIB = 1024


def read_slow(pid: int, proc: str = "/proc") -> SlowFields | None:
    """Each of SUMMED; None for a process that is gone."""
    place = f"{proc}/{pid}"
    found = {**_memory(place), **_files(place), **_switches(place), **_transfers(place)}
    if not found and not os.path.exists(place):  # noqa: PTH110 - one of a thousand
        return None
    return {**NOTHING, **found}


def _memory(place: str) -> dict[str, int]:
    """`pss` counts what is shared by its part, `uss` not at all; `shared` is what is resident and shared. One that has
    just ended has no memory."""
    parts = _numbers(_content(f"{place}/smaps_rollup"), _KIB)
    if "Pss" not in parts:
        return {}
    return {
        "pss": parts["Pss"],
        "uss": parts.get("Private_Clean", 0) + parts.get("Private_Dirty", 0) + parts.get("Private_Hugetlb", 0),
        "shared": parts.get("Shared_Clean", 0) + parts.get("Shared_Dirty", 0) + parts.get("Shared_Hugetlb", 0),
    }


def _files(place: str) -> dict[str, int]:
    try:
        return {"files": len(os.listdir(f"{place}/fd"))}  # noqa: PTH208 - a path for each would cost ten times as much
    except OSError:
        return {}


def _switches(place: str) -> dict[str, int]:
    """Of all threads: the process's own file tells of its first thread alone."""
    found = {"voluntary_switches": 0, "involuntary_switches": 0}
    try:
        threads = os.listdir(f"{place}/task")  # noqa: PTH208 - as above
    except OSError:
        return {}
    for thread in threads:
        told = _numbers(_content(f"{place}/task/{thread}/status"), 1)
        found["voluntary_switches"] += told.get("voluntary_ctxt_switches", 0)
        found["involuntary_switches"] += told.get("nonvoluntary_ctxt_switches", 0)
    return found


def _transfers(place: str) -> dict[str, int]:
    """Bytes from and to the disk; those that a cache had, or has, are none."""
    told = _numbers(_content(f"{place}/io"), 1)
    if "read_bytes" not in told:
        return {}
    return {"read_bytes": told["read_bytes"], "written_bytes": told.get("write_bytes", 0)}


def _numbers(content: bytes, unit: int) -> dict[str, int]:
    """The lines `Name: number ...` of a file of proc(5), by name."""
    found = {}
    for line in content.splitlines():
        name, _, rest = line.partition(b":")
        words = rest.split(None, 1)
        if words and words[0].isdigit():
            found[name.decode("ascii", "replace")] = int(words[0]) * unit
    return found


def _content(path: str) -> bytes:
    """Empty where it may not be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, _MOST)
    except OSError:
        return b""
    finally:
        os.close(fd)
