"""Arbiters inside another program: in a thread of this one, and in the main thread of a script."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from circus_stack.api import get_arbiter
from circus_stack.api.sockets import CircusSocket
from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client
from circus_stack.errors import CircusStackError, CommandError
from tests.support.processes import running
from tests.support.waiting import PATIENCE_S, wait_until

SLEEP = {"cmd": "sleep 300", "numprocesses": 2}


def test_an_arbiter_in_a_thread_from_start_to_end(background):
    arbiter = background(SLEEP)
    wait_until(lambda: arbiter.statuses() == {"sleep": "active"}, "the start", detail=arbiter.statuses)
    watcher = arbiter.get_watcher("sleep")

    assert (arbiter.running, arbiter.numprocesses(), len(watcher.pids)) == (True, 2, 2)
    assert watcher.incr() == 3
    before = watcher.pids
    arbiter.reload()
    assert not set(before) & set(watcher.pids)
    arbiter.stop_watchers()
    assert watcher.is_stopped()
    arbiter.start_watchers()
    assert watcher.is_active()
    arbiter.stop()
    assert (arbiter.running, arbiter.statuses(), watcher.pids) == (False, {"sleep": "stopped"}, [])
    arbiter.stop()


def test_an_upgrade_is_refused_since_only_the_program_could_start_itself_anew(background, endpoints):
    background(SLEEP)
    with Client(endpoints["controller"], timeout_s=PATIENCE_S) as client:
        with pytest.raises(CommandError, match="inside another program"):
            client.call("upgrade")
        # Nothing is under way by it.
        states = {job["command"]: job["state"] for job in client.call("jobs")["jobs"]}
        assert states["upgrade"] == "failed"


def test_watchers_come_and_go_at_run_time(background):
    arbiter = background(SLEEP)
    added = arbiter.add_watcher("more", "sleep 200", numprocesses=1, env={"A": "1"}, start=True)
    wait_until(added.is_active, "the new watcher", detail=arbiter.statuses)

    assert added.options()["env"] == {"A": "1"}
    with pytest.raises(CommandError):
        arbiter.add_watcher("more", "sleep 1")
    arbiter.rm_watcher("more")
    assert list(arbiter.statuses()) == ["sleep"]


def test_statistics_are_published_where_they_are_asked_for(background, endpoints, caplog):
    place = endpoints["controller"].removesuffix("c") + "s"
    arbiter = background(SLEEP, statsd=True, stats_endpoint=place)
    with Subscriber(place, ("stat.sleep.",)) as subscriber:
        found = wait_until(lambda: subscriber.receive(1.0), "figures of a process")
    topic, fields = found
    assert int(topic.rpartition(".")[2]) in arbiter.get_watcher("sleep").pids
    assert fields["rss"] > 0
    assert "statsd" not in caplog.text


def test_the_programs_own_children_are_left_alone(background):
    with subprocess.Popen(["sleep", "300"]) as ours, subprocess.Popen(["true"], start_new_session=True) as done:
        arbiter = background(SLEEP, check_delay=0.1)
        wait_until(lambda: arbiter.statuses()["sleep"] == "active", "the start")
        assert done.wait(20) == 0
        arbiter.stop()
        assert ours.poll() is None
        ours.kill()
        assert ours.wait(20) == -signal.SIGKILL


def test_a_start_that_fails_is_told_where_it_was_asked_for(background, endpoints):
    background(SLEEP)
    second = get_arbiter([SLEEP], background=True, **endpoints)

    with pytest.raises(CircusStackError, match=r"/c"):
        second.start()
    assert not second.is_alive()


def test_it_can_be_started_again(background):
    arbiter = background(SLEEP)
    arbiter.stop()
    arbiter.start()

    assert arbiter.running


def test_a_socket_is_handed_on(background, endpoints):
    program = "import os, socket; print(socket.socket(fileno=FD).getsockname(), flush=True)"
    arbiter = background(
        {
            "cmd": sys.executable,
            "name": "web",
            "args": ["-c", program.replace("FD", "$(circus.sockets.web)")],
            "use_sockets": True,
            "respawn": False,
        },
        sockets=[CircusSocket("web", "127.0.0.1", 0)],
    )

    assert arbiter.get_socket("WEB").location == "127.0.0.1:0"
    assert arbiter.get_socket("none") is None


def test_a_stream_may_be_an_object(background):
    got: list[dict[str, object]] = []
    lines = threading.Event()

    def stream(record: dict[str, object]) -> None:
        got.append(record)
        lines.set()

    background(
        {"cmd": "sh", "name": "talk", "args": ["-c", "echo hello; exec sleep 300"], "stdout_stream": {"stream": stream}}
    )

    assert lines.wait(20)
    assert (got[0]["data"], got[0]["name"]) == (b"hello\n", "stdout")


SCRIPT = """
    import signal, sys
    from circus_stack.api import alias
    alias.install()
    from circus import get_arbiter

    def handler(signum, frame):
        print("mine", flush=True)

    def before_start(watcher, arbiter, hook_name, **kwargs):
        print("hook", hook_name, watcher.name, flush=True)
        return True

    signal.signal(signal.SIGTERM, handler)
    arbiter = get_arbiter(
        [{"cmd": "sh", "name": "talk", "args": ["-c", "echo said; exec sleep 300"], "copy_env": True,
          "hooks": {"before_start": [before_start, False]}}],
        controller=sys.argv[1], pubsub_endpoint=sys.argv[2],
        plugins=[{"use": "plugin_of_test.Mine", "name": "mine", "word": "a b"}])
    try:
        arbiter.start(lambda _: print("up", flush=True))
    finally:
        arbiter.stop()
    print("ended", arbiter.statuses(), flush=True)
    signal.raise_signal(signal.SIGTERM)
"""
PLUGIN = """
    from circus.plugins import CircusPlugin

    class Mine(CircusPlugin):
        name = "mine"
        def handle_init(self):
            print("plugin", self.config["word"], self.call("list")["watchers"], flush=True)
        def handle_recv(self, data):
            pass
"""


def test_a_script_is_the_arbiter_until_a_signal(tmp_path, endpoints):
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    (tmp_path / "plugin_of_test.py").write_text(textwrap.dedent(PLUGIN))
    argv = [sys.executable, "script.py", endpoints["controller"], endpoints["pubsub_endpoint"]]
    with running(argv, tmp_path / "log", cwd=tmp_path) as program:
        for line in ("hook before_start talk", "said", "up", "plugin a b ['plugin:mine', 'talk']"):
            program.wait_output(line)
        program.signal(signal.SIGTERM)

        assert program.wait_exit() == 0
        assert program.output().endswith("ended {'talk': 'stopped'}\nmine\n")
