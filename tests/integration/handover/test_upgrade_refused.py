"""New code that cannot take over: the arbiter that runs goes on, and says why. The new code is a real, broken copy."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

import psutil
import pytest

import chaussette
import circus_stack
from tests.integration.handover.programs import refused, upgrade
from tests.integration.serve.projects import CIRCUS_SECTION, script, write_watchers
from tests.support.waiting import PATIENCE_S, wait_until

WATCHERS = """
[watcher:a]
cmd = {sleeping}
numprocesses = 2
"""
SLEEPING = "import time\nwhile True: time.sleep(60)\n"
OURS = Path(circus_stack.__file__).parent


class Copy:
    """A copy of our code that an arbiter runs, to be broken under it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "code"
        self.package = self.directory / "circus_stack"
        for package in (OURS, Path(chaussette.__file__).parent):
            # With what is compiled of it: the times of the files are kept, and an edit has another.
            shutil.copytree(package, self.directory / package.name, ignore=shutil.ignore_patterns("*.md"))

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.package / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    def mend(self, path: str) -> None:
        shutil.copy(OURS / path, self.package / path)


@pytest.fixture
def code(here):
    return Copy(here.directory)


@pytest.fixture
def stack(here, code):
    sleeping = script(here.directory, "sleeping", SLEEPING)
    head = CIRCUS_SECTION.format(base=here.base)
    ini = write_watchers(here.directory, head + WATCHERS.format(sleeping=sleeping), "x.ini")
    return here.circusd(str(ini), env={"PYTHONPATH": str(code.directory)})


REHEARSAL = "daemon/handover/rehearsal.py"
RECORD = "daemon/handover/record.py"


def test_broken_code_leaves_everything_as_it_was_until_it_is_mended(here, stack, code):
    before = stack.pids("a")
    code.edit("cli/circusd.py", "import os\n", "import os\nimport a_module_that_is_missing\n")
    assert "a_module_that_is_missing" in (reason := refused(stack))
    assert "nothing was changed" in reason
    code.mend("cli/circusd.py")
    code.edit(REHEARSAL, "    _check_descriptors(record)\n", "    raise ZeroDivisionError('broken')\n")
    assert "ZeroDivisionError: broken" in refused(stack)
    code.mend(REHEARSAL)
    code.edit(REHEARSAL, "    _check_descriptors(record)\n", "    import time\n    time.sleep(1000)\n")
    assert "did not take over within 6 s" in refused(stack, "--rehearsal_timeout", "6")
    assert not [each for each in psutil.Process(stack.pid).children() if each.pid not in before]
    code.mend(REHEARSAL)
    code.edit(RECORD, "FORMAT = 1\n", "FORMAT = 8\n")
    code.edit(RECORD, "OLDEST_FORMAT = 1\n", "OLDEST_FORMAT = 7\n")
    assert "is of format 1" in refused(stack)
    code.mend(RECORD)
    code.edit(REHEARSAL, "        os.write(handover.report_fd", "        (handover.report_fd")
    assert "did not say that it could take over" in refused(stack)
    code.mend(REHEARSAL)
    failed = [each for each in stack.call("jobs")["jobs"] if each["command"] == "upgrade"]
    assert [each["state"] for each in failed] == ["failed"] * 5
    assert "format 1" in failed[3]["error"]
    assert stack.pids("a") == before

    code.edit("__init__.py", f'"{circus_stack.__version__}"', '"99.1"')
    assert f"upgraded: {circus_stack.__version__} -> 99.1, 2 processes kept" in upgrade(stack)
    assert stack.call("version")["version"] == "99.1"
    assert stack.pids("a") == before
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_an_operation_under_way_is_named_and_a_wait_is_not_waited_for(here, stack):
    stack.call("add", name="never", cmd="sleep 1000", options={"ready": "tcp:127.0.0.1:1"}, start=True)
    deaf = here.directory / "deaf"
    slow = script(
        here.directory,
        "slow",
        f"import signal\nsignal.signal(15, signal.SIG_IGN)\nopen({str(deaf)!r}, 'w').close()\nsignal.pause()\n",
    )
    slow_options = {"graceful_timeout": 1000, "ready": f"exec:test -e {deaf}"}
    stack.call("add", name="slow", cmd=slow, options=slow_options, start=True, waiting=True)
    stack.call("stop", name="slow")
    reason = refused(stack)
    assert "slow: it is stopping" in reason
    assert "(stop)" in reason
    os.kill(stack.pids("slow")[0], signal.SIGKILL)
    wait_until(lambda: stack.call("status", name="slow")["status"] == "stopped", "the stop")
    # A start whose process never serves may last for ever: it is not waited for, and goes on.
    (pid,) = stack.pids("never")
    upgrade(stack)
    assert stack.pids("never") == [pid]
    assert stack.call("status", name="never")["status"] == "starting"
    cut = [each for each in stack.call("jobs")["jobs"] if each["command"] == "add" or "never" in each["watchers"]]
    assert "what it asked for goes on" in cut[-1]["error"]
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_an_exec_that_fails_leaves_the_arbiter_going(here):
    """The interpreter is gone between the rehearsal, which takes it away, and the exec."""
    code = Copy(here.directory)
    interpreter = here.directory / "python"
    interpreter.symlink_to(sys.executable)
    code.edit(
        REHEARSAL,
        "    _check_descriptors(record)\n",
        f"    _check_descriptors(record)\n    os.unlink({str(interpreter)!r})\n",
    )
    sleeping = script(here.directory, "sleeping", SLEEPING)
    head = CIRCUS_SECTION.format(base=here.base)
    ini = write_watchers(here.directory, head + WATCHERS.format(sleeping=sleeping), "x.ini")
    stack = here.adopt(_program(here, code, interpreter, str(ini)))
    stack.wait_pids(2, watcher="a")
    before = stack.pids("a")
    with stack.subscribe() as events:
        assert events.join(PATIENCE_S)
        reason = refused(stack)
    assert f"cannot execute {interpreter}" in reason
    assert stack.pids("a") == before
    assert stack.call("jobs")["jobs"][-1]["state"] == "failed"
    stack.call("incr", name="a", waiting=True)
    assert len(stack.pids("a")) == 3
    assert stack.stop() == 0
    here.assert_nothing_left()


def _program(here, code, interpreter, ini):
    from tests.support.processes import BIN, Program

    site = next(path for path in sys.path if path.endswith("site-packages"))
    return Program(
        [str(interpreter), str(BIN / "circusd"), ini],
        here.directory / "own.log",
        env={"PYTHONPATH": f"{code.directory}:{site}"},
        base_env=here.environ,
        cwd=here.directory,
    )


def test_code_that_fails_after_the_exec_leaves_the_processes_alone(here, stack, code):
    before = stack.pids("a")
    code.edit("cli/resuming.py", "    hold_signals()\n", "    raise HandoverError('too late')\n")
    done = here.run("circusctl", "--timeout", "30", "upgrade", timeout_s=120)
    assert done.returncode == 1
    assert "the processes live on" in done.stderr
    assert stack.program.wait_exit(timeout_s=PATIENCE_S) == 1
    assert "the upgrade failed after the exec: too late; the processes live on" in stack.output()
    left = [each for each in psutil.Process().children() if each.pid in before]
    assert sorted(each.pid for each in left) == before
    # Nobody else will end what lives on, nor what was just being started.
    for each in here.leftovers():
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
            each.wait(PATIENCE_S)
