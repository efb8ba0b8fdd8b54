"""Processes that use too much memory: replaced without a failed request, or killed."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from circus_stack.config.chaussette_command import backend_of
from tests.integration.limits.events_seen import seen_until
from tests.integration.serve.projects import script, write_app, write_ini, write_watchers
from tests.support.load import pausing_clients
from tests.support.processes import PYTHON, running
from tests.support.waiting import PATIENCE_S, wait_until

MB = 1024 * 1024
LIMIT = 120 * MB
# Far above what a worker takes on while its successor starts, and below what would make it a failure of the machine.
HURTS = 600 * MB

# Each request leaves 200 KB behind. A worker whose memory hurts it answers with an error.
LEAKING = f"""\
import os
kept = []

def app(environ, start_response):
    kept.append(bytearray(os.urandom(1024) * 200))
    with open("/proc/self/statm") as statm:
        hurts = int(statm.read().split()[1]) * 4096 > {HURTS}
    start_response("500 Hurt" if hurts else "200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]


def make(global_conf, **settings):
    return app
"""

SERVER = "use = egg:circus-stack\nlisten = 127.0.0.1:0\nworkers = 2\n"
WEB = f"[watcher:web]\nmax_memory = {LIMIT // MB}M\nmax_memory_interval = 0.2\nmax_memory_hard = {HURTS // MB}M\n"

# Fills so many megabytes, in a child of its own where it is asked to; says that it serves when it has.
FILLING = """\
import os, signal, socket, sys, time
size, where = int(sys.argv[1]), sys.argv[2]

def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])

def fill():
    return bytearray(b"x") * (size << 20)

if where == "at once":
    kept = fill()
    say("READY=1")
elif where == "later":
    say("READY=1")
    time.sleep(1)
    kept = fill()
elif where == "child":
    say("READY=1")
    time.sleep(1)
    if os.fork() == 0:
        os.setsid()
        kept = fill()
elif where == "shared":
    kept = fill()
    for _ in range(3):
        if os.fork() == 0:
            sum(kept[::4096])
            break
    else:
        say("READY=1")
signal.pause()
"""


def filling(here, size, where, *, options, name="w"):
    """A stack of one watcher that fills memory."""
    cmd = f"{script(here.directory, 'filling', FILLING)} {size} '{where}'"
    text = f"[watcher:{name}]\ncmd = {cmd}\nready = notify\nmax_memory_interval = 0.2\n{options}\n"
    return here.start("circus-stack", "serve", str(write_watchers(here.directory, text)))


def figure(stack, pid, *, above=0, kind=None):
    """The process as `status` shows it, once it has such a figure."""
    processes = stack.call("status", extended=True)["watchers"]["w"]["processes"]
    [process] = [each for each in processes if each["pid"] == pid]
    fits = process["memory"] is not None and process["memory"] > above and kind in (None, process["memory_kind"])
    return process if fits else None


@pytest.mark.parametrize("backend", ["gevent", "fastgevent", "waitress"])
def test_a_leaking_worker_is_replaced_before_its_limit_hurts_and_without_a_failed_request(here, backend):
    write_app(here.directory, LEAKING)
    stack = here.serve(str(write_ini(here.directory, server=SERVER, more=WEB)), "--backend", backend)
    assert backend_of(stack.call("get", name="web", keys=["cmd"])["options"]["cmd"]) == backend
    first = stack.pids()
    with stack.subscribe("watcher.web.") as events:
        assert events.join(PATIENCE_S)
        with pausing_clients(stack.address(), pause_s=0.01) as load:
            told = seen_until(events, lambda found: found.count("replace") >= 2, timeout_s=90)
    assert load.errors == []
    # At 200 KB each the limit was not reached with less.
    assert load.requests > 2 * 150
    exceeded = [each for topic, each in told if topic == "memory_exceeded"]
    assert {each["process_pid"] for each in exceeded} & set(first)
    assert [each for each in exceeded if each["killed"] or not each["limit"] < each["bytes"] < HURTS] == []
    assert {each["reason"] for topic, each in told if topic == "replace"} == {"memory"}
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_the_last_figure_is_shown(here):
    stack = filling(here, 50, "at once", options="max_memory = 25 percent")
    [pid] = stack.wait_pids(1, watcher="w")

    shown = wait_until(lambda: figure(stack, pid), "a figure", detail=stack.output)
    assert 50 * MB < shown["memory"] < 100 * MB
    # Over no limit, so that the cheap figure was enough.
    assert shown["memory_kind"] == "rss"
    stats = here.ctl_json("stats", "w")["info"][str(pid)]
    assert 50 * MB < stats["memory"] < 100 * MB
    assert stack.stop() == 0


@pytest.mark.parametrize("where", ["later", "child"])
def test_one_that_grows_too_fast_is_killed_with_what_descends_from_it(here, where):
    stack = filling(here, 150, where, options="max_memory_hard = 80M\nmax_memory_kind = rss")
    [pid] = stack.wait_pids(1, watcher="w")
    with stack.subscribe("watcher.w.") as events:
        assert events.join(PATIENCE_S)
        told = seen_until(events, lambda found: "memory_exceeded" in found and "reap" in found)
    by_topic = {topic: each for topic, each in reversed(told) if each.get("process_pid") == pid}
    assert by_topic["memory_exceeded"]["killed"] is True
    assert by_topic["memory_exceeded"]["kind"] == "rss"
    assert by_topic["memory_exceeded"]["bytes"] > by_topic["memory_exceeded"]["limit"] == 80 * MB
    # An end that nobody had asked for: another process takes its place, later and later if it goes on like this.
    assert by_topic["reap"]["exit_code"] == -9
    assert by_topic["reap"]["expected"] is False
    stack.wait_pids(1, other_than=[pid], watcher="w")
    wait_until(lambda: children(stack) <= set(stack.pids("w")), "no orphan", detail=lambda: children(stack))
    assert stack.stop() == 0
    here.assert_nothing_left()


def children(stack):
    return {each.pid for each in psutil.Process(stack.pid).children()}


def test_what_several_share_counts_once(here):
    """Four processes with the same 60 MB: 240 MB as rss, little more than 60 MB as pss."""
    stack = filling(here, 60, "shared", options="max_memory = 1000M\nmax_memory_hard = 1000M")
    [pid] = stack.wait_pids(1, watcher="w")

    whole = wait_until(lambda: figure(stack, pid, above=200 * MB), "the figure of all four", detail=stack.output)
    assert whole["memory_kind"] == "rss"
    stack.call("set", name="w", options={"max_memory": "150M", "max_memory_hard": "150M"}, waiting=True)
    share = wait_until(lambda: figure(stack, pid, kind="pss"), "its share", detail=stack.output)
    assert 60 * MB < share["memory"] < 130 * MB
    assert stack.pids("w") == [pid]
    # The same limit of the whole ends it.
    stack.call("set", name="w", options={"max_memory_kind": "rss"}, waiting=True)
    wait_until(lambda: pid not in stack.pids("w"), "its end", detail=stack.output)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_limit_that_a_process_is_over_from_its_start_is_told_and_not_a_treadmill(here):
    stack = filling(here, 50, "at once", options="max_memory = 20M")
    [pid] = stack.wait_pids(1, watcher="w")
    stack.wait_line("max_memory (20971520 bytes) is too low")
    assert stack.pids("w") == [pid]
    assert stack.stop() == 0


def test_a_process_is_replaced_when_its_limit_is_lowered_and_a_limit_can_be_taken_away(here):
    stack = filling(here, 50, "at once", options="max_memory = 1G")
    [pid] = stack.wait_pids(1, watcher="w")
    wait_until(lambda: figure(stack, pid), "a figure", detail=stack.output)
    stack.call("set", name="w", options={"max_memory": "20M"}, waiting=True)
    [second] = stack.wait_pids(1, other_than=[pid], watcher="w")
    stack.call("set", name="w", options={"max_memory": 0}, waiting=True)
    assert stack.call("get", name="w", keys=["max_memory"])["options"] == {"max_memory": None}
    assert stack.pids("w") == [second]
    done = here.run("circusctl", "set", "w", "max_memory", "lots")
    assert done.returncode != 0
    assert "512M" in done.stdout + done.stderr
    assert stack.stop() == 0


def test_a_limit_of_resources_and_one_of_memory_hold_together(here):
    stack = filling(here, 50, "later", options="max_memory_hard = 30M\nrlimit_nofile = 77")
    [pid] = stack.wait_pids(1, watcher="w")
    assert "77" in Path(f"/proc/{pid}/limits").read_text().partition("Max open files")[2].splitlines()[0]
    stack.wait_pids(1, other_than=[pid], watcher="w")
    assert stack.stop() == 0


def test_a_share_that_may_not_be_read_is_said_so(tmp_path):
    """Another user may know how much a process holds, and not what it shares."""
    code = """
import os
from circus_stack.system.memory import MemoryReader
os.setuid(65534)
print(MemoryReader().read([os.getppid()], pss_above=0)[os.getppid()])
"""
    with running([PYTHON, "-c", code], tmp_path / "log") as program:
        assert program.wait_exit() == 0, program.output()
    assert "kind='rss', hidden='Permission denied'" in program.output()
