"""A watcher that fails again and again: its pauses grow, it ends in `failed`, and may take the stack with it."""

from __future__ import annotations

import itertools
import signal

from tests.integration.serve.projects import script, write_watchers
from tests.support.stack import Room, RunningStack
from tests.support.waiting import wait_until

# Says why, as a program with a missing setting does, and ends.
BROKEN = """\
import sys

print("starting", flush=True)
print("Traceback: no DATABASE_URL", file=sys.stderr, flush=True)
sys.exit(7)
"""
GIVEN_UP = "given up after 3 failures in 60 s"


def crash_loop(here: Room, *, circus: str = "", watcher: str = "") -> str:
    # A file of its own, so that it can be mended while the stack runs.
    command = script(here.directory, "broken", BROKEN)
    text = f"""\
[circus]
{circus}
[watcher:loop]
cmd = {command}
ready = notify
max_failures = 3
backoff_initial = 0.05
backoff_jitter = 0
{watcher}
[watcher:fine]
cmd = sleep 600
"""
    return str(write_watchers(here.directory, text))


def wait_failed(stack: RunningStack, name: str = "loop") -> None:
    wait_until(lambda: stack.call("status")["statuses"][name] == "failed", f"{name} failed", detail=stack.output)


def test_a_crash_loop_ends_in_failed_which_status_explains_and_a_start_clears(here: Room) -> None:
    stack = here.start("circus-stack", "serve", crash_loop(here))
    wait_failed(stack)
    reply = stack.call("status", extended=True)
    loop = reply["watchers"]["loop"]
    assert loop["detail"].startswith(GIVEN_UP)
    assert (loop["last_exit"]["exit_code"], loop["last_exit"]["ended"]) == (7, "exited with status 7")
    assert loop["failed"]["lines"] == ["Traceback: no DATABASE_URL"] * 3
    assert abs(loop["failed"]["since"] - loop["last_exit"]["time"]) < 20
    assert reply["watchers"]["fine"]["detail"] == ""
    # As Circus has them, with the line beside: a script sees what it always did.
    assert here.run("circusctl", "status").stdout == "fine: active\nloop: failed\n"
    assert here.ctl_json("status", "loop")["detail"] == loop["detail"]
    shown = here.run("circus-stack", "status").stdout
    assert f"ago: {GIVEN_UP}; the last: loop.1" in shown
    assert "    Traceback: no DATABASE_URL\n" in shown
    assert "exit_on_failed = true in [circus]" in stack.output()
    script(here.directory, "broken", "import time\ntime.sleep(600)\n")
    stack.call("set", name="loop", options={"ready": "none"}, waiting=True)
    wait_until(lambda: stack.call("status")["statuses"]["loop"] == "active", "loop", detail=stack.output)
    assert "detail" not in stack.call("status", name="loop")
    assert stack.stop() == 0


def test_the_pauses_of_a_crash_loop_grow_as_its_options_say(here: Room) -> None:
    stack = here.serve(crash_loop(here, watcher="backoff_factor = 3\nbackoff_max = 0.3\nautostart = false"))
    stack.call("set", name="loop", options={"max_failures": 6}, waiting=True)
    with stack.subscribe("watcher.loop.") as events:
        assert events.join(20)
        stack.call("start", name="loop")
        pauses, starts = [], []
        while True:
            message = events.receive(20)
            assert message is not None, stack.output()
            topic, data = message
            if topic.endswith(".backoff"):
                pauses.append(data["delay_s"])
            elif topic.endswith(".spawn"):
                starts.append(data["time"])
            elif topic.endswith(".failed"):
                break
    assert pauses == [0.05, 0.15, 0.3, 0.3]
    # Real ones: no process comes before its time. The first retry is at once.
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts[1:])]
    assert all(gap >= pause for gap, pause in zip(gaps, pauses, strict=True)), (gaps, pauses)
    assert stack.stop() == 0


def test_exit_on_failed_ends_the_whole_stack_in_order_with_its_own_status(here: Room) -> None:
    stack = here.start("circus-stack", "serve", crash_loop(here, circus="exit_on_failed = true"))
    assert stack.program.wait_exit() == 3
    output = stack.output()
    assert "exit_on_failed: the stack stops, since loop has failed" in output
    assert "fine.1 stopped" in output
    last = output.splitlines()[-1]
    assert last.startswith(f"circus-stack: the stack has ended because loop has failed ({GIVEN_UP}")
    # It ends then, and need not be told how.
    assert "the rest runs on" not in output
    here.assert_nothing_left()


def test_a_watcher_of_its_own_decides_before_the_stack_does(here: Room) -> None:
    stack = here.start(
        "circus-stack", "serve", crash_loop(here, circus="exit_on_failed = true", watcher="exit_on_failed = false")
    )
    wait_failed(stack)
    assert stack.stop(signal.SIGTERM) == 0


def test_circusd_ends_with_the_watcher_that_says_so(here: Room) -> None:
    ini = here.directory / "circus.ini"
    base = here.base
    ini.write_text(
        f"[circus]\nendpoint = ipc://{base}/c\npubsub_endpoint = ipc://{base}/e\n"
        "[watcher:once]\ncmd = no-such-program-x\nmax_retry = 2\nexit_on_failed = true\n"
    )
    stack = here.start("circusd", str(ini))
    assert stack.program.wait_exit() == 3
    assert "the stack stops, since once has failed (given up after 2 failing spawns in a row" in stack.output()
    here.assert_nothing_left()


def test_a_change_that_is_taken_back_ends_nothing(here: Room) -> None:
    """A watcher that a new file adds fails, and the reload takes it back: the stack runs on as it was."""
    ini = crash_loop(here, circus="exit_on_failed = true")
    text = (here.directory / "app.ini").read_text()
    without = text[: text.index("[watcher:loop]")] + text[text.index("[watcher:fine]") :]
    (here.directory / "app.ini").write_text(without)
    stack = here.serve(ini)
    (here.directory / "app.ini").write_text(text)
    done = here.run("circus-stack", "reload")
    assert done.returncode != 0, done.stdout
    assert stack.call("status")["statuses"] == {"fine": "active"}
    assert stack.stop() == 0
