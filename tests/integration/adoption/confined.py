"""Stacks whose processes can't be looked into by the next arbiter: it lacks the power to, or they hide themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.integration.adoption.crash import NUMBERS, Stacks
from tests.support.processes import BIN, Program
from tests.support.stack import READY, Room, RunningStack
from tests.support.waiting import PATIENCE_S, wait_until

# Root without CAP_SYS_PTRACE, as in a container.
CONFINED = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
# From here on /proc shows nobody of the same user what it holds, and the kernel gives none of it away.
HIDE = "import ctypes\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n"


def start(room: Room, *argv: str, prefix: Sequence[str] = CONFINED) -> RunningStack:
    """Start one of our programs, and do not wait."""
    log = room.directory / f"confined-{len(list(room.directory.glob('confined-*')))}.log"
    words = [*prefix, str(BIN / argv[0]), *argv[1:]]
    return room.adopt(Program(words, log, base_env=room.environ, cwd=room.directory))


def serve(room: Room, *arguments: str) -> RunningStack:
    """`circus-stack serve`, up when this returns."""
    stack = start(room, "circus-stack", "serve", *arguments)
    stack.wait_line(READY, timeout_s=2 * PATIENCE_S)
    return stack


class ConfinedStacks(Stacks):
    """The arbiters of one ini, none of which may look into other processes than its own kind."""

    prefix: Sequence[str] = CONFINED

    def write(self, *sections: str) -> None:
        super().write(*(each.replace("HIDDEN_NUMBERS", f"PYTHON -IS {self.room.base}/hidden.py") for each in sections))
        (self.room.base / "hidden.py").write_text(HIDE + NUMBERS)

    def start(self, *flags: str) -> RunningStack:
        stack = self.begin(*flags)
        wait_until(
            lambda: "starting" not in stack.call("status")["statuses"].values(), "the watchers", detail=stack.output
        )
        return stack

    def begin(self, *flags: str) -> RunningStack:
        return start(self.room, "circusd", *flags, str(self.ini), prefix=self.prefix)


def keeper_of(stack: RunningStack) -> int | None:
    """The pid of its keeper of descriptors."""
    found = stack.call("globaloptions")["options"].get("fd_keeper_pid")
    return None if found is None else int(found)


def wait_keeper(stack: RunningStack, *, other_than: int | None = None) -> int:
    """Wait until it has one."""

    def there() -> int | None:
        found = keeper_of(stack)
        return found if found not in (None, other_than) else None

    return int(wait_until(there, "the keeper of descriptors", detail=stack.output))


def wait_kept(keeper: int, *names: str) -> None:
    """Wait until a keeper holds these."""
    wait_until(lambda: set(names) <= held_by(keeper), f"{names} in process {keeper}", detail=lambda: held_by(keeper))


def held_by(pid: int) -> set[str]:
    """What a process holds, by name."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(str(entry.readlink()))
        except OSError:
            continue
    return found
