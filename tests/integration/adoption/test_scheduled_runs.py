"""What runs to its end, and ends while no arbiter is there: what is done depends on whether it may run twice."""

from __future__ import annotations

import pytest

from tests.integration.adoption.crash import Stacks, kill, wait_gone, wait_noted, wait_processes
from tests.support.waiting import wait_until


def test_a_run_whose_end_nobody_saw_is_not_run_again(here):
    runs, gate = here.base / "runs", here.base / "gate"
    (here.base / "job.py").write_text(
        f"import os, time\nopen({str(runs)!r}, 'a').write('run\\n')\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.02)\n"
    )
    # Never due while this runs: an operator begins the run.
    stacks = Stacks(here, "[watcher:j]", f"cmd = PYTHON -IS {here.base}/job.py", "schedule = 0 0 29 2 *")
    stack = stacks.start()
    assert stack.call("start", name="j")["status"] == "ok"
    (pid,) = wait_processes(stack, "j", 1)
    wait_until(runs.exists, "the run")
    wait_noted(stacks, lambda facts: any(each.get("record", {}).get("pid") == pid for each in facts.values()))
    kill(stack)
    gate.touch()
    wait_gone(pid)

    stack = stacks.start()

    wait_until(lambda: stack.call("status", name="j")["status"] == "stopped", "the end of the run", detail=stack.output)
    assert run_of(stack)["result"] == "unknown"
    assert runs.read_text() == "run\n"
    assert stack.stop() == 0
    here.assert_nothing_left()


def run_of(stack):
    return stack.call("status", extended=True)["watchers"]["j"]["run"]


@pytest.mark.parametrize("respawn", [True, False])
@pytest.mark.parametrize("end", ["while there is no arbiter", "when it is adopted"])
def test_a_oneshot_whose_end_nobody_saw_is_run_again_unless_it_is_to_be_tried_once(here, respawn, end):
    runs, gate = here.base / "runs", here.base / "gate"
    (here.base / "job.py").write_text(
        f"import os, time\nopen({str(runs)!r}, 'a').write('run\\n')\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.02)\n"
    )
    stacks = Stacks(
        here, "[watcher:j]", f"cmd = PYTHON -IS {here.base}/job.py", "oneshot = true", f"respawn = {respawn}",
        "[watcher:after]", "cmd = sleep 600", "depends_on = j",
    )  # fmt: skip
    stack = stacks.begin()
    (pid,) = wait_until(lambda: stack.pids("j"), "the run")
    wait_until(runs.exists, "the run")
    wait_noted(stacks, lambda facts: any(each.get("record", {}).get("pid") == pid for each in facts.values()))
    kill(stack)
    if end == "while there is no arbiter":
        gate.touch()
        wait_gone(pid)

    stack = stacks.begin()
    if end == "when it is adopted":
        assert wait_until(lambda: stack.pids("j"), "the adopted run") == [pid]
        with stack.subscribe("watcher.j.run_unseen") as events:
            gate.touch()
            told = next(event for _topic, event in events)
        assert (told["wid"], told["again"]) == (1, respawn)

    if respawn:
        wait_processes(stack, "after", 1)
        assert (run_of(stack)["result"], run_of(stack)["unseen"]) == ("completed", 1)
        assert runs.read_text() == "run\nrun\n"
    else:
        wait_until(lambda: run_of(stack)["result"] == "unknown", "the end of the run", detail=stack.output)
        assert stack.call("status", name="after")["status"] != "active"
        assert runs.read_text() == "run\n"
        assert "nobody saw how it ended" in here.run("circus-stack", "status").stdout
    assert stack.stop() == 0
    here.assert_nothing_left()
