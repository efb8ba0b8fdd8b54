"""One service, placed and started as the arbiter would do it, without an arbiter."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from circus_stack.config.expand import command_line
from circus_stack.config.schema import ServiceConfig
from circus_stack.config.values import Readiness, ReadinessForm
from circus_stack.services import ServicePlan, place, prepare
from tests.support.processes import Program, running
from tests.support.waiting import wait_until

# A JVM that compiles its sources first, on a busy machine.
READY_WITHIN_S = 60.0


def plan_for(service: ServiceConfig, tmp_path: Path) -> ServicePlan:
    """The plan of `service` with its state under `tmp_path`."""
    runtime_dir = tmp_path / "run"
    runtime_dir.mkdir(exist_ok=True)
    return prepare(service, state_dir=tmp_path / "state", runtime_dir=runtime_dir, environ=os.environ)


@contextlib.contextmanager
def launched(plan: ServicePlan, log: Path) -> Iterator[Program]:
    """The service, placed, started and ready; killed at the end if the test didn't stop it."""
    place(plan)
    argv = command_line(plan.watcher, wid=1, socket_fds={}, env={})
    with running(argv, log, env=plan.watcher.env) as program:

        def is_ready() -> bool:
            assert program.is_running(), program.output()
            return answers(plan.watcher.ready)

        wait_until(is_ready, f"{plan.watcher.name} ready", timeout_s=READY_WITHIN_S, detail=program.output)
        yield program


def answers(readiness: Readiness) -> bool:
    """One try of the probe."""
    if readiness.form is ReadinessForm.EXEC:
        return subprocess.run(shlex.split(readiness.target), capture_output=True, timeout=20).returncode == 0
    try:
        with urllib.request.urlopen(readiness.target, timeout=5) as reply:
            return bool(reply.status == 200)
    except urllib.error.URLError:
        return False


def stop(plan: ServicePlan, program: Program) -> int:
    """Ask it to end with its own signal; its exit code."""
    program.signal(plan.watcher.stop_signal)
    return program.wait_exit(timeout_s=plan.watcher.graceful_timeout)
