"""The sweep at the end also meets what appears while it goes on."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path

import psutil

from circus_stack.system.descent import become_subreaper, descendants
from circus_stack.system.reaper import Reaper
from circus_stack.system.spawn import SpawnPlan, spawn
from circus_stack.system.sweep import sweep_descendants

TIMEOUT_S = 30.0
# Answers SIGTERM with a child that answers none, in a session of its own, and with its own end.
_HYDRA = """\
import os, signal, sys, time
def grow(signum, frame):
    # Held until the child's own answer is there.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open(sys.argv[1] + ".child", "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
signal.signal(signal.SIGTERM, grow)
open(sys.argv[1], "w").write("ready")
time.sleep(600)
"""
# Answers SIGTERM with a child that would go at once if only it were asked to.
_HEIR = """\
import os, signal, sys, time
def grow(signum, frame):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[1] + ".asked", "w").close(), os._exit(0)))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        time.sleep(600)
    os._exit(0)
signal.signal(signal.SIGTERM, grow)
open(sys.argv[1], "w").write("ready")
time.sleep(600)
"""


def sweep_up(code: str, mark: Path) -> tuple[int, ...]:
    """Start the program, orphaned from its shell, and sweep; what was found, once nothing is left."""

    async def act() -> tuple[int, ...]:
        loop = asyncio.get_running_loop()
        reaper = Reaper(loop, lambda _pid: None)
        reaper.start()
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            command = shlex.join([sys.executable, "-I", "-S", "-c", code, str(mark)])
            child = spawn(SpawnPlan(["sh", "-c", f"setsid {command} &"], dict(os.environ), None, None, (), null, null))
            reaper.add(child, lambda _pid, _code: None)
            async with asyncio.timeout(TIMEOUT_S):
                while not await loop.run_in_executor(None, mark.exists):
                    await asyncio.sleep(0.01)
                return await sweep_descendants()
        finally:
            os.close(null)
            reaper.close()

    before = set(descendants())
    become_subreaper()
    found = asyncio.run(act())
    left = [pid for pid in descendants() if pid not in before]
    for pid in left:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert left == []
    return found


def test_what_appears_during_the_sweep_is_ended_too(tmp_path: Path) -> None:
    found = sweep_up(_HYDRA, tmp_path / "mark")
    child = int((tmp_path / "mark.child").read_text())
    assert child in found
    assert not psutil.pid_exists(child)


def test_what_appears_during_the_sweep_is_asked_before_it_is_killed(tmp_path: Path) -> None:
    sweep_up(_HEIR, tmp_path / "mark")
    assert (tmp_path / "mark.asked").exists()
