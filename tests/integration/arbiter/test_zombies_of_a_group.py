"""A zombie that nobody reaps keeps its process group, and no stop from its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import KillMode, Readiness, ReadinessForm
from circus_stack.states import WatcherState
from circus_stack.system.descent import has_living_member, signal_group
from tests.integration.arbiter.stage import NOTIFY, PATIENCE_S, SLEEP, Stage, play, python, stack_of

# The helper leaves the group, its child stays in it and ends; the helper never reaps it.
ZOMBIE = (
    "import os,time;r,w=os.pipe();h=os.fork()\n"
    "if h==0:\n"
    " z=os.fork()\n"
    " if z==0: os._exit(0)\n"
    " os.setsid();os.waitid(os.P_PID,z,os.WEXITED|os.WNOWAIT);os.write(w,b'x');time.sleep(600)\n"
    "os.read(r,1)\n"
)


def test_a_zombie_that_nobody_reaps_holds_up_no_stop(tmp_path: Path) -> None:
    watcher = WatcherConfig(
        name="w",
        cmd=python(ZOMBIE + NOTIFY + SLEEP),
        ready=Readiness(ReadinessForm.NOTIFY),
        graceful_timeout=0.2,
        # Otherwise the helper would be ended, too.
        kill_mode=KillMode.GROUP,
    )

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("w") is WatcherState.ACTIVE, "the start")
        [pid] = on.pids("w")
        assert has_living_member(pid)
        stopped = on.arbiter.stop(["w"])
        async with asyncio.timeout(PATIENCE_S):
            while not stopped.done():
                # What a daemon does once a check_delay.
                on.arbiter.sweep()
                await asyncio.sleep(0.05)
        assert (await stopped).stopped == (pid,)
        assert signal_group(pid, 0), "the zombie is there still"
        assert not has_living_member(pid)

    play(stack_of(watcher), tmp_path, act)
