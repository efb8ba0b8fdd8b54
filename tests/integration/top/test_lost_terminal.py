"""circus-top when its terminal goes away, or takes nothing any more: it ends."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.processes import BIN
from tests.support.pty_program import PtyProgram
from tests.support.stack import Room, RunningStack, room
from tests.support.waiting import PATIENCE_S, wait_until

# As `q` does, or, where that takes too long, all the same.
ENDS = (0, 128 + signal.SIGTERM)
# Leads the session: SIGHUP comes to it, and goes no further.
_LEADER = """\
import signal, subprocess, sys
signal.signal(signal.SIGHUP, lambda *_: None)
sys.exit(subprocess.call(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("lost")) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def stack(here: Room) -> RunningStack:
    (here.directory / "leader.py").write_text(_LEADER)
    ini = here.directory / "shop.ini"
    endpoints = [f"{name} = ipc://{here.base}/{name}" for name in ("endpoint", "pubsub_endpoint", "stats_endpoint")]
    ini.write_text("\n".join(["[circus]", *endpoints, "statsd = true", "stats_interval = 0.1",
                              "[watcher:idle]", "cmd = sleep 1000"]))  # fmt: skip
    made = here.circusd(str(ini))
    made.wait_pids(1, watcher="idle")
    return made


def opened(here: Room, *before: str, env: Mapping[str, str] | None = None) -> PtyProgram:
    screen = here.in_terminal(*before, str(BIN / "circus-top"), env=env)
    screen.wait_shown("idle 1/1")
    return screen


def test_a_window_that_is_closed(here: Room) -> None:
    screen = opened(here)
    screen.hang_up()
    assert screen.wait_exit() in ENDS


def test_a_terminal_that_goes_without_a_signal(here: Room) -> None:
    screen = opened(here, "python", str(here.directory / "leader.py"))
    screen.hang_up()
    assert screen.wait_exit(timeout_s=2 * PATIENCE_S) in ENDS


def test_a_kill_while_the_terminal_takes_nothing(here: Room) -> None:
    # So large that a few pictures fill it.
    screen = opened(here, env={"COLUMNS": "300", "LINES": "100"})
    looks: list[str] = []

    def is_stuck() -> bool:
        # Each key draws all of it, and nobody reads. Figures come in all the time: who looks at them sleeps and wakes.
        screen.type(b"x" if len(looks) % 2 else b"?")
        looks.append(_sleeps(screen.pid))
        return len(set(looks[-8:])) == 1 and len(looks) > 8

    wait_until(is_stuck, "a terminal that is full", pause_s=0.1)
    screen.popen.send_signal(signal.SIGTERM)
    # Not `wait_exit`, which reads what is shown.
    wait_until(lambda: screen.popen.poll() is not None, "the end", timeout_s=2 * PATIENCE_S)
    assert screen.popen.returncode in ENDS


def _sleeps(pid: int) -> str:
    """How often the first thread of a process has slept."""
    lines = Path(f"/proc/{pid}/task/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith("voluntary_ctxt_switches"))
