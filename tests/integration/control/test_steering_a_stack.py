"""circusctl and circus-stack on a real stack: what a person types, what is printed, and the exit status."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.control.served import short_directory
from tests.support.forked import run_forked
from tests.support.processes import BIN, PYTHON, Program, running
from tests.support.waiting import PATIENCE_S, wait_until

INI = f"""
[circus]
endpoint = ipc://DIRECTORY/c
pubsub_endpoint = ipc://DIRECTORY/e
name = tried

[watcher:idle]
cmd = {PYTHON} -I -S -c "import time; time.sleep(600)"
numprocesses = 2

[watcher:One Only]
cmd = {PYTHON} -I -S -c "import time; time.sleep(600)"
singleton = True

[watcher:talker]
cmd = {PYTHON} -I -S -u talker.py

[socket:web]
host = 127.0.0.1
port = 0
"""

TALKER = """
import signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: print("usr1", flush=True))
number = 0
while True:
    print("line", number, flush=True)
    number += 1
    time.sleep(0.05)
"""


@dataclass(frozen=True)
class Stack:
    """A running stack in a directory of its own, where nothing of another test or of a person is found."""

    directory: Path
    daemon: Program

    @property
    def environ(self) -> dict[str, str]:
        return environ_in(self.directory)

    def start(self, *words: str) -> subprocess.CompletedProcess[str]:
        program, *rest = words
        argv = [str(BIN / program), *rest]
        return run_forked(argv, env=self.environ, cwd=self.directory, stdin=None, timeout_s=60)

    def ctl(self, *words: str) -> str:
        """What circusctl prints; it must succeed."""
        done = self.start("circusctl", "--timeout", "20", *words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def pids(self, name: str) -> list[int]:
        return [int(pid) for pid in self.ctl("list", name).split(",") if pid.strip()]


def ini_in(directory: Path) -> str:
    return INI.replace("DIRECTORY", str(directory))


def environ_in(directory: Path) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if name not in ("CIRCUSCTL_ENDPOINT", "FORCE_COLOR")}
    return {**environ, "XDG_RUNTIME_DIR": str(directory), "TMPDIR": str(directory), "XDG_STATE_HOME": str(directory)}


@contextlib.contextmanager
def changed_ini(stack: Stack, old: str, new: str) -> Iterator[Path]:
    """Its file with something else in it, which holds again afterwards."""
    ini, before = stack.directory / "stack.ini", ini_in(stack.directory)
    ini.write_text(before.replace(old, new))
    try:
        yield ini
    finally:
        ini.write_text(before)
        stack.ctl("reloadconfig", "--waiting")


@contextlib.contextmanager
def run_stack() -> Iterator[Stack]:
    with short_directory() as directory:
        (directory / "stack.ini").write_text(ini_in(directory))
        (directory / "talker.py").write_text(TALKER)
        argv = [str(BIN / "circusd"), "stack.ini"]
        with running(argv, directory / "log", env=environ_in(directory), cwd=directory) as daemon:
            daemon.wait_output("ready in")
            try:
                yield Stack(directory, daemon)
            finally:
                daemon.signal(signal.SIGTERM)
                assert daemon.wait_exit() == 0, daemon.output()


@pytest.fixture
def stack() -> Iterator[Stack]:
    with run_stack() as found:
        yield found


@pytest.fixture(scope="module")
def asked() -> Iterator[Stack]:
    """A stack for tests that only ask, or that leave it as they found it."""
    with run_stack() as found:
        yield found


def test_questions(asked: Stack) -> None:
    assert set(asked.ctl("status").splitlines()) == {"idle: active", "One Only: active", "talker: active"}
    assert asked.ctl("status", "IDLE") == "active\n"
    assert asked.ctl("list") == "idle,one only,talker\n"
    assert len(asked.pids("idle")) == 2
    assert asked.ctl("numwatchers") == "3\n"
    assert asked.ctl("numprocesses") == "4\n"
    assert asked.ctl("numprocesses", "idle") == "2\n"
    assert asked.ctl("get", "idle", "numprocesses", "singleton") == "numprocesses: 2\nsingleton: False\n"
    assert "stop_signal: 15\n" in asked.ctl("options", "idle")
    assert "socket 'web' at 127.0.0.1:" in asked.ctl("listsockets")
    assert asked.ctl("dstats").startswith(f"Main Process:\n    {asked.daemon.pid}  ")
    assert asked.ctl("globaloptions", "check_delay") == "check_delay: 5.0\n"


def test_figures(asked: Stack) -> None:
    pid = asked.pids("idle")[0]

    lines = asked.ctl("stats").splitlines()
    assert lines[0] == "idle:"
    assert any(line.startswith(f"{pid}: {pid}  python") for line in lines)
    info = json.loads(asked.ctl("--json", "stats", "idle", str(pid)))["info"]
    assert (info["pid"], info["state"]) == (pid, "ready")
    assert info["rss"] > 0


def test_operations(asked: Stack) -> None:
    before = asked.pids("idle")

    assert asked.ctl("incr", "idle", "--waiting") == "3\n"
    assert asked.ctl("decr", "idle", "2", "--waiting") == "1\n"
    assert asked.ctl("incr", "one only") == "a singleton keeps its one process: nothing has changed\n"
    assert asked.ctl("stop", "i*", "--waiting") == "ok\n"
    assert asked.ctl("status", "idle") == "stopped\n"
    assert asked.ctl("start", "idle", "--waiting") == "ok\n"
    assert asked.ctl("restart", "idle", "--waiting") == "ok\n"
    assert asked.ctl("reload", "idle", "--waiting") == "ok\n"
    assert asked.ctl("incr", "idle", "--waiting") == "2\n"
    assert not set(asked.pids("idle")) & set(before)


def test_kill_replaces_a_process(asked: Stack) -> None:
    killed, kept = asked.pids("idle")

    asked.ctl("kill", "idle", str(killed), "--waiting", "--signum", "KILL")
    wait_until(lambda: len(asked.pids("idle")) == 2, "its successor")
    assert kept in asked.pids("idle")
    assert killed not in asked.pids("idle")


def test_a_signal_arrives(asked: Stack) -> None:
    asked.ctl("signal", "talker", "USR1")

    wait_until(lambda: "usr1" in asked.ctl("logs", "talker"), "the word that the signal makes it say")


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["status", "nope"], 3, "program nope not found"),
        (["get", "idle", "nope"], 3, "'nope' option not found"),
        (["signal", "idle", "NOPE"], 3, "'NOPE' is no signal"),
        (["signal", "idle", "1", "TERM"], 3, "process 1 not found in idle"),
        (["start", "["], 3, "program [ not found"),
        (["start", "[", "--match", "regex"], 3, "is not a regular expression"),
        (["incr"], 1, "Invalid number of arguments"),
        (["incr", "idle", "many"], 1, "'nb' must be a whole number"),
        (["nope"], 2, "No such command 'nope'"),
        (["status", "--nope"], 2, "No such option"),
        (["--timeout", "0", "status"], 2, "--timeout"),
        (["--endpoint", "5555", "status"], 1, "is no endpoint"),
        (["--endpoint", "ipc:///nowhere", "status"], 1, "nobody listens at ipc:///nowhere"),
        (["--stack", "other", "status"], 1, "no running stack is called 'other'; there are\n  tried"),
    ],
)
def test_mistakes_are_told_with_the_status_of_circus(asked: Stack, words: list[str], status: int, told: str) -> None:
    done = asked.start("circusctl", *words)

    assert (done.returncode, done.stdout) == (status, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_as_json_has_status_3_too(asked: Stack) -> None:
    done = asked.start("circusctl", "--json", "status", "nope")

    assert done.returncode == 3
    assert json.loads(done.stdout)["errno"] == 3


def test_general_flags_may_stand_behind_the_command(asked: Stack) -> None:
    reply = asked.ctl("list", "--json", "--prettify", "--stack", "tried")

    assert json.loads(reply)["watchers"] == ["idle", "one only", "talker"]
    assert reply.startswith('{\n  "id"')


def test_listen_prints_events_until_it_is_interrupted(stack: Stack) -> None:
    argv = [str(BIN / "circusctl"), "listen", "watcher.idle."]
    with running(argv, stack.directory / "listen.log", env=stack.environ) as listener:
        wait_until(lambda: stack.ctl("kill", "idle") and "reap" in listener.output(), "an event")
        listener.signal(signal.SIGINT)

        assert listener.wait_exit() == 130
    topic, _, message = listener.output().splitlines()[0].partition(": ")
    assert topic.startswith("watcher.idle.")
    assert json.loads(message)["watcher"] == "idle"


def test_listen_ends_when_its_reader_does(stack: Stack) -> None:
    listener = subprocess.Popen(
        [str(BIN / "circusctl"), "listen"], env=stack.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert listener.stdout is not None
        listener.stdout.close()

        def ended() -> bool:
            stack.ctl("kill", "idle")
            return listener.poll() is not None

        wait_until(ended, "the end of listen")
        assert listener.stderr is not None
        assert listener.stderr.read() == b""
    finally:
        listener.kill()
        listener.wait(PATIENCE_S)
        if listener.stderr is not None:
            listener.stderr.close()


def test_status_at_one_look(asked: Stack) -> None:
    done = asked.start("circus-stack", "status")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"tried  {asked.directory}/stack.ini\npid {asked.daemon.pid}, up ")
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.strip()}
    assert rows["idle"][1:3] == ["active", "2/2"]
    assert rows["web"][1].startswith("127.0.0.1:")
    found = json.loads(asked.start("circus-stack", "status", "--json").stdout)
    assert found["watchers"]["idle"]["wanted"] == 2


def test_logs_show_and_follow(asked: Stack) -> None:
    wait_until(lambda: asked.ctl("logs", "talker").count("line ") > 3, "some lines")
    shown = asked.start("circus-stack", "logs", "-n", "2", "talker")
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].split(" | ")[0].strip() == "talker.1"

    argv = [str(BIN / "circus-stack"), "logs", "-f", "-n", "3"]
    with running(argv, asked.directory / "follow.log", env=asked.environ) as follower:
        wait_until(lambda: follower.output().count("\n") > 20, "lines that follow")
        follower.signal(signal.SIGINT)
        assert follower.wait_exit() == 130
    numbers = [int(line.rpartition(" ")[2]) for line in follower.output().splitlines()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_following_ends_with_the_stack(stack: Stack) -> None:
    argv = [str(BIN / "circus-stack"), "logs", "-f"]
    with running(argv, stack.directory / "follow.log", env=stack.environ) as follower:
        follower.wait_output("line")
        stopped = stack.start("circus-stack", "stop")

        assert stopped.returncode == 0, stopped.stderr
        assert follower.wait_exit() == 0
    # Its own end, before anybody else asks for it.
    assert stack.daemon.wait_exit() == 0


def test_reload_applies_what_changed_and_tells_it(asked: Stack) -> None:
    with changed_ini(asked, "numprocesses = 2", "numprocesses = 3"):
        before = asked.pids("idle")

        dry = asked.start("circus-stack", "reload", "--dry-run")
        assert (dry.returncode, dry.stderr) == (0, "")
        assert "numprocesses: 2 -> 3" in dry.stdout
        assert asked.pids("idle") == before

        done = asked.start("circus-stack", "reload", "--no-roll")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("reloaded\n")
        assert set(before) < set(asked.pids("idle"))

        rolled = asked.start("circus-stack", "reload")
        assert rolled.returncode == 0, rolled.stderr
        assert not set(before) & set(asked.pids("idle"))


def test_a_reload_that_is_refused_has_status_1_and_the_reason(asked: Stack) -> None:
    with changed_ini(asked, "numprocesses = 2", "numprocesses = many") as ini:
        before = asked.pids("idle")

        done = asked.start("circus-stack", "reload")
        assert done.returncode == 1
        assert f"{ini}:" in done.stderr
        assert "'many'" in done.stderr
        assert asked.pids("idle") == before


def test_a_watcher_alone_is_reloaded(asked: Stack) -> None:
    idle, talker = asked.pids("idle"), asked.pids("talker")

    done = asked.start("circus-stack", "reload", "idle")
    assert done.returncode == 0, done.stderr
    assert not set(idle) & set(asked.pids("idle"))
    assert asked.pids("talker") == talker
    assert asked.start("circus-stack", "reload", "nope").returncode == 1
    assert asked.start("circus-stack", "reload", "idle", "--dry-run").returncode == 2


def test_stop_waits_until_nothing_is_left(stack: Stack) -> None:
    pids = [*stack.pids("idle"), *stack.pids("talker")]

    done = stack.start("circus-stack", "stop")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("stopped\n")
    assert "talker" in done.stdout
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert list((stack.directory / "circus-stack").iterdir()) == []
    again = stack.start("circus-stack", "stop")
    assert again.returncode == 1
    assert "no running stack was found (looked in " in again.stderr


def test_quit_overtakes_an_operation_that_waits(stack: Stack) -> None:
    ini = stack.directory / "stack.ini"
    stubborn = f"[watcher:stubborn]\ncmd = {PYTHON} -I -S stubborn.py\ngraceful_timeout = 3\n"
    ini.write_text(ini_in(stack.directory) + stubborn)
    (stack.directory / "stubborn.py").write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('deaf', flush=True)\ntime.sleep(600)\n"
    )
    stack.ctl("reloadconfig", "--waiting")
    wait_until(lambda: "deaf" in stack.ctl("logs", "stubborn"), "a process that ignores SIGTERM")

    stack.ctl("stop", "stubborn")
    assert stack.ctl("status", "stubborn") == "stopping\n"
    assert stack.ctl("incr", "idle", "--waiting") == "3\n"
    assert stack.ctl("quit", "--waiting") == "ok\n"
    assert stack.daemon.wait_exit() == 0
