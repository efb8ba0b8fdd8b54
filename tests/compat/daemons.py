"""Both circusds, started with one ini each that differ in ports and directories alone."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.compat.released import released
from tests.compat.wire import Wire
from tests.support.ports import free_port
from tests.support.processes import BIN, Program
from tests.support.stack import Room, RunningStack
from tests.support.waiting import PATIENCE_S, wait_until

THEIRS, OURS = "theirs", "ours"
SIDES = (THEIRS, OURS)

# Multicast is off, as it is with us unless it is set: two daemons of one machine would answer each other's clients.
_HEAD = """\
[circus]
check_delay = @check_delay@
endpoint = @endpoint@
pubsub_endpoint = @pubsub@
multicast_endpoint =
"""
# A watcher for `Daemon.settle`, which no test looks at.
_BARRIER = """
[watcher:barrier]
ready = delay:0.02
cmd = sleep 600
"""


@dataclass
class Daemon:
    """A circusd of one side, and a client of it. `values` are what `@name@` stands for in its ini."""

    side: str
    stack: RunningStack
    directory: Path
    values: Mapping[str, str]
    wire: Wire = field(init=False)
    _patience_s: float = PATIENCE_S

    def __post_init__(self) -> None:
        self.wire = Wire(self.endpoint)

    @property
    def endpoint(self) -> str:
        return self.values["endpoint"]

    @property
    def pubsub(self) -> str:
        return self.values["pubsub"]

    @property
    def ini(self) -> Path:
        return self.directory / "circus.ini"

    def call(self, command: str, /, **properties: Any) -> Any:
        return self.wire.call(command, **properties)

    def pids(self, watcher: str) -> list[int]:
        return list(self.call("list", name=watcher).get("pids", []))

    def write_ini(self, text: str) -> None:
        """The ini anew, with the same head and the same barrier."""
        write_ini(self.ini, _HEAD + text + _BARRIER, self.values)

    def wait_up(self) -> None:
        """Answering, and no watcher is starting."""

        def is_up() -> bool:
            assert self.stack.program.is_running(), self.stack.output()
            self.wire.send({"id": "up", "command": "status", "properties": {}})
            reply = self.wire.receive(2.0)
            return reply is not None and not is_moving(reply["statuses"])

        wait_until(is_up, f"{self.side}: circusd", detail=self.stack.output)
        while self.wire.receive(0.05) is not None:
            pass
        self.settle()

    def settle(self) -> bool:
        """Wait until nothing changes: no watcher on its way, as many processes as are wanted, the same at two looks.
        False where that takes too long: then it is the reply of the step that tells."""
        # Circus refuses a change while another runs: one that is accepted means that all before have ended.
        self.call("start", name="barrier", waiting=True)
        seen: list[Any] = []
        deadline = time.monotonic() + self._patience_s
        while time.monotonic() < deadline:
            seen.append(self._look())
            if len(seen) > 1 and seen[-1] == seen[-2] and self._is_at_rest(seen[-1][0]):
                return True
            time.sleep(0.005)
        # Whoever was late once is not waited for so long again.
        self._patience_s = 1.0
        return False

    def _look(self) -> tuple[dict[str, str], int]:
        return self.call("status")["statuses"], self.call("numprocesses")["numprocesses"]

    def _is_at_rest(self, statuses: Mapping[str, str]) -> bool:
        # Circus counts a process that is gone until its next tick; a list does not.
        active = [name for name in statuses if statuses[name] == "active"]
        return not is_moving(statuses) and all(len(self.pids(name)) == self._wanted(name) for name in active)

    def _wanted(self, name: str) -> int:
        return int(self.call("get", name=name, keys=["numprocesses"])["options"]["numprocesses"])

    def neutral(self, value: Any) -> Any:
        """A reply with `@dir@` for this daemon's directory and `@port@` for its port: what both sides share."""
        text = json.dumps(value)
        for name in ("dir", "endpoint", "pubsub"):
            text = text.replace(self.values[name], f"@{name}@")
        return json.loads(
            text.replace(f": {self.values['port']}", ': "@port@"').replace(f":{self.values['port']}", ":@port@")
        )

    def close(self) -> None:
        self.wire.close()


T = TypeVar("T")


def on_both(work: Callable[[str], T]) -> dict[str, T]:
    """What comes of the same work for each side, done at the same time."""
    with ThreadPoolExecutor(len(SIDES)) as pool:
        return dict(zip(SIDES, pool.map(work, SIDES), strict=True))


@contextlib.contextmanager
def both(here: Room, ini: str) -> Iterator[dict[str, Daemon]]:
    """A daemon of each side for the length of a block."""
    made = on_both(lambda side: start(here, side, ini))
    try:
        yield made
    finally:
        for daemon in made.values():
            daemon.close()


def is_moving(statuses: Mapping[str, str]) -> bool:
    return bool({"starting", "stopping"} & set(statuses.values()))


def write_ini(path: Path, text: str, values: Mapping[str, str]) -> None:
    """`@name@` becomes its value."""
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    path.write_text(text)


def start(
    here: Room, side: str, ini: str, *, directory: Path | None = None, check_delay: str = "0.3", **values: str
) -> Daemon:
    """A circusd that answers and whose watchers are up. The ini begins with more lines of [circus], if any."""
    directory = directory or here.directory / side
    directory.mkdir(exist_ok=True)
    names = {
        "endpoint": f"tcp://127.0.0.1:{free_port()}",
        "pubsub": f"tcp://127.0.0.1:{free_port()}",
        "port": str(free_port()),
        "check_delay": check_delay,
        "dir": str(directory),
        **values,
    }
    write_ini(directory / "circus.ini", _HEAD + ini + _BARRIER, names)
    argv = [released("circusd") if side == THEIRS else str(BIN / "circusd"), str(directory / "circus.ini")]
    program = Program(argv, directory / "circusd.log", base_env=here.environ, cwd=directory)
    daemon = Daemon(side, here.adopt(program), directory, names)
    try:
        daemon.wait_up()
    except BaseException:
        daemon.close()
        raise
    return daemon
