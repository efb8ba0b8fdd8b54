"""No descendant of a stopped process survives, whatever it has done to get away."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from circus_stack.system.process_table import Entry, is_alive, read_environment
from tests.integration.orphans.straying import BOMB, LOST, NAKED, POLITE, STUBBORN, noted, wait_gone
from tests.integration.serve.projects import script, write_watchers
from tests.support.waiting import wait_until


def serve(here, code, *, more="", argument=""):
    """A stack with `w`, whose children stray, and `other`, whose daemon must not be touched; the folder of their notes
    and the daemon of `other`."""
    folder, others = here.directory / "notes", here.directory / "others"
    folder.mkdir()
    others.mkdir()
    text = f"""\
        [watcher:w]
        cmd = {script(here.directory, "stray", code)} {folder} {argument}
        {more}

        [watcher:other]
        cmd = {script(here.directory, "other", POLITE)} {others}
        """
    stack = here.serve(str(write_watchers(here.directory, text)))
    [bystander] = noted(others, "daemon")
    return stack, folder, bystander


def daemon_of(folder) -> Entry:
    [found] = [entry for entry in noted(folder, "daemon") if is_alive(entry)]
    return found


def forget(folder):
    for path in folder.iterdir():
        path.unlink()


def test_a_detached_daemon_is_asked_to_go_with_its_process_whatever_ends_that(here):
    stack, folder, bystander = serve(here, POLITE)
    for end in (
        lambda: stack.call("restart", name="w", waiting=True),
        lambda: stack.call("reload", name="w", waiting=True),
        lambda: stack.call("kill", name="w", waiting=True),
        lambda: stack.call("stop", name="w", waiting=True),
    ):
        daemon = daemon_of(folder)
        assert daemon.parent == stack.pid
        assert daemon.session not in stack.pids("w")
        forget(folder)
        end()
        wait_gone([daemon], stack.output)
        assert (folder / f"asked.{daemon.pid}").exists()
    assert not list(folder.glob("daemon.*"))

    stack.call("start", name="w", waiting=True)
    daemon = daemon_of(folder)
    stack.call("rm", name="w", waiting=True)
    assert not is_alive(daemon)
    assert is_alive(bystander)
    assert stack.stop() == 0
    assert not is_alive(bystander)
    here.assert_nothing_left()


@pytest.mark.parametrize("code", [STUBBORN, NAKED], ids=["ignores SIGTERM", "has no environment"])
def test_a_stop_is_over_only_when_the_last_of_them_is_killed(here, code):
    stack, folder, bystander = serve(here, code, more="graceful_timeout = 0.3")
    daemon = daemon_of(folder)
    [leader] = stack.pids("w")
    with stack.subscribe("watcher.w.") as events:
        stack.call("stop", name="w", waiting=True)
        # At once: nothing is waited for after the reply.
        assert not is_alive(daemon)
        told = next(event for topic, event in events if topic == "watcher.w.orphans_ended")
    assert (told["process_pid"], told["pids"], told["left"]) == (leader, [daemon.pid], [])
    assert is_alive(bystander)
    assert stack.stop() == 0


def test_a_crashed_process_is_replaced_without_a_wait_for_what_it_left(here):
    stack, folder, bystander = serve(here, STUBBORN)
    daemon = daemon_of(folder)
    before = stack.pids("w")
    with stack.subscribe("watcher.w.") as events:
        os.kill(before[0], signal.SIGKILL)
        seen = []
        for topic, event in events:
            seen.append(topic.rpartition(".")[2])
            if seen[-1] == "orphans_ended":
                assert daemon.pid in event["pids"]
                break
    # Its successor had been started long before: what it had left has a second to go by itself.
    assert seen.index("spawn") < seen.index("orphans_ended")
    assert not is_alive(daemon)
    stack.wait_pids(1, other_than=before, watcher="w")
    assert is_alive(daemon_of(folder))
    assert is_alive(bystander)
    assert stack.stop() == 0


def test_what_nothing_tells_the_owner_of_is_left_to_the_end_of_the_arbiter(here):
    """The limit: without session, environment and parent. A control group would know it."""
    stack, folder, _ = serve(here, LOST)
    daemon = daemon_of(folder)
    wait_until(lambda: not read_environment(daemon.pid), "the other program")
    stack.call("stop", name="w", waiting=True)
    assert is_alive(daemon)
    assert stack.stop() == 0
    assert not is_alive(daemon)
    here.assert_nothing_left()


@pytest.mark.parametrize("life_s", [0.04, 0.003])
def test_a_fork_bomb_is_gone_after_stop(here, life_s):
    chains = 12
    stack, folder, bystander = serve(here, BOMB, more="graceful_timeout = 0.3", argument=f"{chains} {life_s}")
    noted(folder, "link", chains // 2)
    stack.call("stop", name="w", waiting=True)
    # Links that were being born would be seen by a later look, or by what they leave.
    beats = (folder / "beat").stat().st_size
    assert [running("stray.py") for _ in range(3)] == [[], [], []]
    time.sleep(0.5)
    assert (folder / "beat").stat().st_size == beats
    assert is_alive(bystander)
    assert stack.stop() == 0
    here.assert_nothing_left()


def running(program: str) -> list[int]:
    """Pids of those that run it. Each is looked at as soon as it is found: some live for milliseconds."""
    found = []
    for each in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if each.name.isdigit() and program.encode() in (each / "cmdline").read_bytes():
                found.append(int(each.name))
    return found
