"""An arbiter that is killed, what it leaves, and the one that comes next."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.stack import Room, RunningStack
from tests.support.waiting import wait_until

# Writes numbered lines, whole ones, until it is asked to go; `pause` seconds apart.
NUMBERS = """
import itertools, os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
ends = []
for number in itertools.count():
    os.write(1, f"{os.getpid()} {number}\\n".encode())
    if ends:
        break
    time.sleep(float(sys.argv[1]))
os.write(1, f"{os.getpid()} end\\n".encode())
"""


class Stacks:
    """The arbiters of one ini, one after the other."""

    def __init__(self, room: Room, *sections: str, program: str = "circusd") -> None:
        self.room = room
        self.program = program
        self.ini = room.directory / "stack.ini"
        self.write(*sections)

    def write(self, *sections: str) -> None:
        directory = self.room.base
        (directory / "numbers.py").write_text(NUMBERS)
        head = f"[circus]\nendpoint = ipc://{directory}/c\npubsub_endpoint = ipc://{directory}/p\n"
        text = head + "\n".join(sections)
        self.ini.write_text(
            text.replace("NUMBERS", f"{sys.executable} -IS {directory}/numbers.py").replace("PYTHON", sys.executable)
        )

    def start(self, *flags: str) -> RunningStack:
        return self.room.circusd(*flags, str(self.ini))

    def begin(self, *flags: str) -> RunningStack:
        """Start it, and don't wait."""
        return self.room.start("circusd", *flags, str(self.ini))

    @property
    def ledger(self) -> Path:
        """The journal, where there is one."""
        return next(self.room.state.rglob("journal"), self.room.state / "none")


def kill(stack: RunningStack) -> None:
    """kill -9, and nothing but the arbiter."""
    stack.send(signal.SIGKILL)
    assert stack.program.wait_exit() == -signal.SIGKILL


def is_alive(pid: int) -> bool:
    """Whether it runs: a zombie of ours, whose arbiter was killed, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_gone(*pids: int) -> None:
    wait_until(lambda: not any(map(is_alive, pids)), f"the end of {pids}")


def wait_processes(stack: RunningStack, watcher: str, count: int) -> list[int]:
    """Wait until a watcher is active with so many processes."""

    def there() -> list[int] | None:
        pids = stack.pids(watcher)
        return pids if len(pids) == count and stack.call("status", name=watcher)["status"] == "active" else None

    return wait_until(there, f"{count} processes of {watcher}", detail=stack.output, pause_s=0.05)


def wait_noted(stacks: Stacks, condition: Callable[[Mapping[str, Any]], bool]) -> None:
    """Wait until the ledger says so."""
    wait_until(lambda: condition(facts(stacks)), "the ledger", detail=lambda: facts(stacks))


def facts(stacks: Stacks) -> dict[str, Any]:
    """What the ledger says."""
    found: dict[str, Any] = {}
    if stacks.ledger.exists():
        for line in stacks.ledger.read_text().splitlines(keepends=True):
            if line.endswith("\n") and line.strip():
                name, value = json.loads(line)
                found[name] = value
    return {name: value for name, value in found.items() if value is not None}


def numbers(log: Path) -> dict[int, list[str]]:
    """What each process has written, in order."""
    found: dict[int, list[str]] = {}
    for line in log.read_text().splitlines():
        pid, word = line.split()
        found.setdefault(int(pid), []).append(word)
    return found


def assert_whole(log: Path, *, ended: bool = True) -> None:
    """No line is lost or out of order; one may be there twice, next to the first, where the arbiter was killed between
    its writing and the note of it."""
    for pid, words in numbers(log).items():
        counted = [int(word) for word in dict.fromkeys(words) if word != "end"]
        assert counted == list(range(len(counted))), f"process {pid}"
        assert not ended or words[-1] == "end", f"process {pid} ends with {words[-1]}"


def group_of(pid: int) -> list[int]:
    """Everybody alive in the group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and is_alive(int(entry.name)):
            try:
                if os.getpgid(int(entry.name)) == pid:
                    found.append(int(entry.name))
            except ProcessLookupError:
                continue
    return found
