"""What one process uses: psutil's readings in the shape of Circus's statistics. Reads /proc; may block for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import psutil

from circus_stack.control.sampler import GONE, Info
from circus_stack.protocol.figures import format_bytes, format_cpu_time

HIDDEN = "N/A"


class ProcessTable:
    """Reads processes, and remembers their CPU time, so that the next reading can tell what was used in between.

    Not safe for threads: one thread owns it.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._known: dict[int, psutil.Process] = {}

    def sample(
        self, pids: Iterable[int], *, extended: bool = False, with_children: bool = True
    ) -> dict[int, Info | str]:
        """The figures of each pid; the text GONE in place of those of a process that is gone."""
        children = _children_by_parent() if with_children else {}
        found = {pid: self._sample_one(pid, children, extended) for pid in pids}
        self._forget(self._known.keys() - set(psutil.pids()))
        return found

    def _sample_one(self, pid: int, children: Mapping[int, list[int]], extended: bool) -> Info | str:
        try:
            process, is_new = self._process(pid)
            with process.oneshot():
                info = _read(process, self._clock(), is_new)
                if extended:
                    info |= _read_private_memory(process)
        except psutil.NoSuchProcess:
            return GONE
        family = (self._sample_one(child, children, extended) for child in children.get(pid, ()))
        info["children"] = [child for child in family if not isinstance(child, str)]
        return info

    def _process(self, pid: int) -> tuple[psutil.Process, bool]:
        known = self._known.get(pid)
        # is_running() compares the time of creation: a pid may have been given to another process.
        if known is not None and known.is_running():
            return known, False
        self._known[pid] = process = psutil.Process(pid)
        return process, True

    def _forget(self, gone: Iterable[int]) -> None:
        for pid in gone:
            del self._known[pid]


def _children_by_parent() -> dict[int, list[int]]:
    """One pass over all processes: to ask each process for its children would make a pass for each."""
    children: dict[int, list[int]] = {}
    for process in psutil.process_iter(["ppid"]):
        children.setdefault(process.info["ppid"], []).append(process.pid)
    return children


def _guarded(read: Callable[[], Any], otherwise: Any = HIDDEN) -> Any:
    try:
        return read()
    except psutil.AccessDenied:
        return otherwise


def _read(process: psutil.Process, now: float, is_new: bool) -> Info:
    memory = _guarded(process.memory_info, None)
    times = _guarded(process.cpu_times, None)
    cpu_time = None if times is None else times.user + times.system
    created = process.create_time()
    age = max(0.0, now - created)
    words = _guarded(lambda: _argv(process), None)
    return {
        "mem_info1": HIDDEN if memory is None else format_bytes(memory.rss),
        "mem_info2": HIDDEN if memory is None else format_bytes(memory.vms),
        "cpu": _cpu_percent(process, cpu_time, age, is_new),
        "mem": _guarded(lambda: round(process.memory_percent(), 3)),
        "ctime": HIDDEN if cpu_time is None else format_cpu_time(cpu_time),
        "pid": process.pid,
        "username": _guarded(process.username),
        "nice": _guarded(process.nice),
        "create_time": created,
        "age": age,
        "cmdline": _base_name(process, words),
        "rss": None if memory is None else memory.rss,
        "vms": None if memory is None else memory.vms,
        "cpu_time": cpu_time,
        "argv": words,
    }


def _cpu_percent(process: psutil.Process, cpu_time: float | None, age: float, is_new: bool) -> Any:
    """Percent of one CPU since the reading before; at the first reading, since the process began."""
    since_last = _guarded(process.cpu_percent)
    if not is_new or cpu_time is None:
        return since_last
    return round(100 * cpu_time / age, 1) if age > 0 else 0.0


def _argv(process: psutil.Process) -> list[str]:
    """The command line. A program that wrote a title over it leaves empty words behind."""
    words = process.cmdline()
    while words and not words[-1]:
        words.pop()
    return words


def _base_name(process: psutil.Process, words: list[str] | None) -> str:
    """The program without its directory, as Circus has it; a kernel thread or a zombie has only a name."""
    if not words:
        return str(_guarded(process.name))
    # A title ("chaussette: /srv/app.ini [gevent]") is one word with blanks, and no path.
    is_title = len(words) == 1 and " " in words[0]
    return words[0] if is_title else words[0].rpartition("/")[2]


def _read_private_memory(process: psutil.Process) -> Info:
    """Bytes that are the process's own (uss), and with its share of what it shares (pss)."""
    memory = _guarded(process.memory_full_info, None)
    return {"uss": None if memory is None else memory.uss, "pss": None if memory is None else memory.pss}
