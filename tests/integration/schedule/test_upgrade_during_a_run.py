"""A run that lasts holds no upgrade up, and goes on under the upgraded arbiter."""

from __future__ import annotations

from tests.support.stack import Room
from tests.support.waiting import wait_until

INI = """\
[watcher:job]
cmd = echo begun >> {here}/log; while ! test -e {here}/go; do sleep 0.1; done; echo ended >> {here}/log
shell = true
schedule = * * * * * *
"""


def test_an_upgrade_in_the_middle_of_a_run_leaves_it_alone(here: Room) -> None:
    path, log = here.directory / "job.ini", here.directory / "log"
    path.write_text(INI.format(here=here.directory))
    stack = here.serve(str(path))
    wait_until(lambda: log.exists() and "begun" in log.read_text(), "a run", detail=stack.output)
    done = here.run("circus-stack", "upgrade", timeout_s=120)
    assert done.returncode == 0, done.stdout + done.stderr + stack.output()
    assert log.read_text() == "begun\n"
    (here.directory / "go").touch()
    wait_until(lambda: log.read_text().startswith("begun\nended\n"), "its end", detail=stack.output)
    stack.call("stop", name="job", waiting=True)
    assert stack.stop() == 0
