"""What a zygote refuses to fork, and what of a configuration is refused: named, with what to do about it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.integration.preload.projects import write_project, zygote_of

LISTENER = "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
CONNECTION = LISTENER + "client = socket.create_connection(server.getsockname())\n"


def refused(here, top: str, *args: str, more: str = "") -> str:
    """The output of a stack that was not to come up."""
    sections = "[circus]\nexit_on_failed = true\n[watcher:web]\nmax_failures = 1\n"
    ini = write_project(here.directory, top=top, more=more, sections=sections)
    done = here.run("circus-stack", "serve", ini, *args, timeout_s=60)
    assert done.returncode == 3, done.stdout + done.stderr
    here.assert_nothing_left()
    return done.stdout + done.stderr


def test_threads_and_connections_are_named(here):
    top = CONNECTION + (
        "import threading, _thread, time\n"
        "threading.Thread(target=time.sleep, args=(600,), name='reporter', daemon=True).start()\n"
        "runs = threading.Event()\n"
        "_thread.start_new_thread(lambda: (runs.set(), time.sleep(600)), ())\n"
        "assert runs.wait(20)\n"
        "one, other = socket.socketpair()\n"
        "datagram = socket.socket(type=socket.SOCK_DGRAM); datagram.connect(('127.0.0.1', 9))\n"
    )
    output = refused(here, top)
    assert "thread 'reporter' (Thread, running time.sleep)" in output
    assert "a thread without a name, in " in output
    assert "127.0.0.1:" in output
    assert output.count("socket pair") >= 2
    assert ":9\n" not in output
    for word in ("after_fork", "before_fork", "preload = false"):
        assert word in output


def test_a_thread_is_named_under_a_monkey_patch_too(here):
    top = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), name='poller').start()\n"
    assert "thread 'poller'" in refused(here, top, "--backend", "gevent")


def test_a_warm_up_that_fails_is_a_failed_start(here):
    output = refused(here, "", more="warmup = /, /there?x=1\n")
    assert "GET /there?x=1 raised UnboundLocalError" in output


def test_what_before_fork_closes_and_a_pool_of_gevent_are_no_trouble(here):
    top = CONNECTION + (
        "socket.getaddrinfo('localhost', 80)\n"
        "def close(arguments):\n    client.close()\n    server.accept()[0].close()\n    server.close()\n"
    )
    ini = write_project(here.directory, top=top, more="before_fork = hello.close\n")
    stack = here.serve(ini, "--backend", "gevent")
    assert stack.serving_pids(2) == set(stack.pids())
    assert zygote_of(stack)["state"] == "ready"
    # Not by its name, but by the hub: a worker has threads of its own in its pool.
    os.kill(stack.pids()[0], signal.SIGTERM)
    stack.wait_pids(2)
    assert stack.stop() == 0
    here.assert_nothing_left()


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ("cmd = sleep 600\npreload = true\n", "chaussette"),
        ("cmd = chaussette hello:app\nshell = true\npreload = true\n", "shell"),
        ("cmd = chaussette --use-reloader hello:app\npreload = true\n", "--use-reloader"),
    ],
)
def test_a_watcher_that_cannot_be_forked_is_refused_with_its_line(here, lines, word):
    ini = write_project(here.directory, sections=f"[watcher:w]\n{lines}")
    done = here.run("circus-stack", "check", ini)
    assert done.returncode == 2
    text = Path(ini).read_text()
    line = text[: text.index("preload = true", text.index("[watcher:w]"))].count("\n") + 1
    assert f"app.ini:{line}" in done.stdout + done.stderr
    assert word in done.stdout + done.stderr
