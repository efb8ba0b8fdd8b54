"""Not one line of a worker is lost on its way to the terminal, to a file or to a follower."""

from __future__ import annotations

from tests.integration.serve.projects import script, write_watchers
from tests.support.waiting import wait_until

LINES = 2000
# Prints all of it at once, then dies of SIGKILL in the same breath.
CHATTY = f"""\
import os
import signal
import time

with open(1, "w", closefd=False) as out:
    out.writelines(f"line {{number}}\\n" for number in range({LINES}))
os.kill(os.getpid(), signal.SIGKILL)
"""
ORDER = [f"line {number}" for number in range(LINES)]


def watcher(here, **options: object) -> str:
    lines = "".join(f"{name} = {value}\n" for name, value in options.items())
    command = script(here.directory, "chatty", CHATTY)
    return str(write_watchers(here.directory, f"[watcher:w]\ncmd = {command}\nrespawn = false\n{lines}"))


def test_every_line_of_a_worker_that_was_killed_is_shown(here):
    stack = here.start("circus-stack", "serve", watcher(here))
    stack.wait_line("was killed by SIGKILL")
    stack.wait_line(ORDER[-1] + "\n")
    assert stack.stop() == 0
    shown = [line.removeprefix("w.1 | ") for line in stack.output().splitlines() if line.startswith("w.1 | ")]
    assert shown == ORDER


def test_every_line_of_many_killed_workers_is_shown(here):
    stack = here.start("circus-stack", "serve", watcher(here, numprocesses=4))
    wait_until(lambda: stack.output().count(ORDER[-1] + "\n") == 4, "the last lines")
    assert stack.stop() == 0
    for wid in range(1, 5):
        prefix = f"w.{wid} | "
        shown = [line.removeprefix(prefix) for line in stack.output().splitlines() if line.startswith(prefix)]
        assert shown == ORDER


def test_a_file_gets_every_line_and_the_terminal_none(here):
    log = here.directory / "w.log"
    options = {"stdout_stream.filename": log}
    stack = here.start("circus-stack", "serve", watcher(here, **options))
    stack.wait_line("was killed by SIGKILL")
    assert stack.stop() == 0
    assert log.read_text().splitlines() == ORDER
    assert "line 0" not in stack.output()


def test_what_is_printed_on_the_way_out_arrives(here):
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        f"    print(*({'last words'!r} for _ in range({LINES})), sep='\\n', flush=True)\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('listening', flush=True)\n"
        "while True:\n"
        "    time.sleep(60)\n"
    )
    command = script(here.directory, "polite", code)
    stack = here.serve(str(write_watchers(here.directory, f"[watcher:w]\ncmd = {command}\n")))
    stack.wait_line("listening")
    assert stack.stop() == 0
    assert stack.output().count("w.1 | last words\n") == LINES


def test_a_follower_sees_new_lines(here):
    code = "import itertools, time\nfor number in itertools.count():\n    print('tick', number)\n    time.sleep(0.05)\n"
    command = script(here.directory, "ticking", code)
    stack = here.serve(str(write_watchers(here.directory, f"[watcher:w]\ncmd = {command}\n")))
    follower = here.start("circus-stack", "logs", "--follow")
    follower.wait_line("tick")
    seen = follower.output().count("tick")
    wait_until(lambda: follower.output().count("tick") > seen + 3, "further lines", detail=follower.output)
    assert stack.stop() == 0
    follower.program.wait_exit()


def test_a_file_that_cannot_be_written_is_a_mistake_before_anything_starts(here):
    ini = watcher(here, **{"stdout_stream.filename": "/proc/nowhere/w.log"})
    done = here.run("circus-stack", "serve", ini)
    assert done.returncode == 2
    assert "/proc/nowhere" in done.stderr
    here.assert_nothing_left()
