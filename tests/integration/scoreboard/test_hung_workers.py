"""A worker whose loop stands still is dumped, ended and replaced; one that is merely slow, or idle, is let alone."""

from __future__ import annotations

import os
import signal
import threading
import time
from http.client import HTTPException

import pytest

from tests.integration.limits.events_seen import seen_until
from tests.integration.serve.projects import SERVER, write_app, write_ini
from tests.support.waiting import PATIENCE_S, wait_until

APP = '''\
"""Hangs where it is asked to: in a loop of Python code that lets nothing else run, in C code, or patiently."""
import os, re, signal, threading, time


def spin():
    while True:
        pass


def backtrack():
    re.match("(a+)+b", "a" * 64)


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/spin":
        spin()
    if path == "/backtrack":
        backtrack()
    if path == "/stop":
        # The loop itself, not the thread of the request.
        os.kill(os.getpid(), signal.SIGSTOP)
    if path == "/slow":
        time.sleep(7)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]


def make(global_conf, **settings):
    return app
'''

# Long enough for the seconds in which a loaded machine lets nobody turn a loop.
HUNG = SERVER.replace("workers = 2", "workers = 1") + "timeout = 5\n"


def ask(stack, path):
    """A request that may never be answered."""
    thread = threading.Thread(target=_ask, args=(stack.client(), path), daemon=True)
    thread.start()
    return thread


def _ask(client, path):
    try:
        client.fetch(path)
    except (OSError, HTTPException):
        pass


@pytest.mark.parametrize(
    ("backend", "path", "shown"),
    [
        ("gevent", "/spin", "in spin"),
        ("fastgevent", "/backtrack", "in backtrack"),
        ("wsgiref", "/spin", "in spin"),
        ("meinheld", "/spin", "in spin"),
        ("waitress", "/stop", ""),
    ],
)
def test_one_that_hangs_is_shown_ended_and_replaced(here, backend, path, shown):
    write_app(here.directory, APP)
    stack = here.serve(str(write_ini(here.directory, server=HUNG)), "--backend", backend)
    [old] = stack.pids()
    with stack.subscribe("watcher.web.") as events:
        assert events.join(PATIENCE_S)
        ask(stack, path)
        told = seen_until(events, lambda found: "hung" in found and "reap" in found and "ready" in found)
    hung = next(each for topic, each in told if topic == "hung")
    assert (hung["process_pid"], hung["timeout_s"]) == (old, 5.0)
    assert next(each for topic, each in told if topic == "reap")["process_pid"] == old
    [new] = stack.wait_pids(1, other_than=[old])
    assert stack.serving_pids(1) == {new}
    stack.wait_line(f"(pid {old}) hangs: its loop has not turned for 5 s")
    if shown:
        stack.wait_line("Fatal Python error: Aborted")
        stack.wait_line(shown)


@pytest.mark.parametrize("backend", ["fastgevent", "waitress"])
def test_a_slow_request_is_no_hang_where_the_loop_turns(here, backend):
    write_app(here.directory, APP)
    stack = here.serve(str(write_ini(here.directory, server=HUNG)), "--backend", backend)
    [old] = stack.pids()
    assert int(stack.client().fetch("/slow")[1]) == old
    assert stack.pids() == [old]
    assert "hangs" not in stack.output()
    wait_until(lambda: stack.call("stats", name="web")["info"][str(old)]["requests"], "the figures")


def test_nobody_is_judged_right_after_everything_stood_still(here):
    """A paused container: the clock runs on, and whoever goes on first must not blame the others."""
    write_app(here.directory, APP)
    stack = here.serve(str(write_ini(here.directory, server=SERVER + "timeout = 5\n")), "--backend", "gevent")
    workers = sorted(stack.pids())
    everybody = [*workers, stack.pid]
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(6)
    for pid in reversed(everybody):
        os.kill(pid, signal.SIGCONT)
    # Longer than until the judgement that is put off; who had been judged would be gone by then.
    time.sleep(2.5)
    assert sorted(stack.pids()) == workers
    assert stack.stop() == 0
