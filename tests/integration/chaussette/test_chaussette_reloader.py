"""--use-reloader: the worker starts anew when a source changes, on a socket that stays open."""

from __future__ import annotations

import contextlib
import signal

from chaussette.scoreboard import Reader
from tests.support.processes import PYTHON
from tests.support.stack import room
from tests.support.waiting import wait_until

SOURCE = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"{}"]
"""


def start(supervisor, listener, directory):
    argv = [PYTHON, "-m", "chaussette", f"--fd={listener.fileno()}", "--use-reloader", "site_app:app"]
    return supervisor.start_argv(argv, fds=[listener.fileno()], cwd=directory)


def fetch(supervisor, listener):
    return supervisor.client(listener.getsockname()).fetch("/")[1]


def test_a_changed_source_is_served_without_a_refused_connection(supervisor, listener, tmp_path):
    source = tmp_path / "site_app.py"
    source.write_text(SOURCE.format("one"))
    reloader = start(supervisor, listener, tmp_path)
    assert fetch(supervisor, listener) == b"one"

    def changed():
        # Written again until it is noticed: the watching may begin a moment after the worker serves.
        source.write_text(SOURCE.format("twice"))
        return fetch(supervisor, listener) == b"twice"

    wait_until(changed, "the changed source to be served", pause_s=0.5)
    reloader.signal(signal.SIGINT)
    assert reloader.wait_exit() == 0


def test_a_source_that_does_not_load_is_waited_out(supervisor, listener, tmp_path):
    source = tmp_path / "site_app.py"
    source.write_text("this is no python")
    reloader = start(supervisor, listener, tmp_path)
    reloader.wait_output("SyntaxError")

    def mended():
        source.write_text(SOURCE.format("mended"))
        return "changed: starting the worker anew" in reloader.output()

    wait_until(mended, "the change to be noticed", pause_s=0.5)
    assert fetch(supervisor, listener) == b"mended"
    reloader.signal(signal.SIGTERM)
    assert reloader.wait_exit() == 0


def test_it_runs_as_a_worker_of_a_stack(tmp_path):
    (tmp_path / "site_app.py").write_text(SOURCE.format("served"))
    ini = tmp_path / "app.ini"
    ini.write_text(
        "[socket:web]\nhost = 127.0.0.1\nport = 0\n\n[watcher:web]\nuse_sockets = true\nready = notify\n"
        "cmd = chaussette --fd $(circus.sockets.web) --use-reloader site_app:app\n"
    )
    with room(tmp_path) as here:
        stack = here.serve(str(ini))
        assert here.client(stack.address()).fetch("/")[1] == b"served"
        # The worker, a child of the process that was started, has found the scoreboard that it was told of.
        with contextlib.closing(
            Reader(stack.call("globaloptions", option="scoreboard")["options"]["scoreboard"])
        ) as board:
            assert [each.requests for each in board.snapshot().slots] == [1]
        assert stack.stop() == 0
        here.assert_nothing_left()
