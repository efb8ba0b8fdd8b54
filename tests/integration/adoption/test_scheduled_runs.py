"""A scheduled run that ends while no arbiter is there."""

from __future__ import annotations

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
    assert runs.read_text() == "run\n"
    assert stack.stop() == 0
    here.assert_nothing_left()
