"""The released Circus's own programs against our circusd: plugins, a plugin of a user's, circusd-stats, circus-top."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.compat.daemons import OURS, Daemon, start
from tests.compat.released import PEER_PYTHON, released
from tests.support.ports import free_port
from tests.support.processes import Program
from tests.support.pty_program import PtyProgram
from tests.support.stack import Room
from tests.support.waiting import wait_until

PROGRAMS = Path(__file__).parent / "programs"
INI = """
[watcher:web]
cmd = sleep 600
ready = delay:0.02
autostart = False

[watcher:fat]
cmd = sleep 600
ready = delay:0.02

[watcher:hasty]
cmd = sh -c 'sleep 0.2; exit 3'
autostart = False
flapping.attempts = 2
flapping.window = 30
flapping.retry_in = 0.2
flapping.max_retry = 1

[watcher:silent]
cmd = sleep 600
ready = delay:0.02
"""


@pytest.fixture(scope="module")
def ours(place: Room) -> Iterator[Daemon]:
    daemon = start(place, OURS, INI)
    yield daemon
    daemon.close()


@pytest.fixture
def run(place: Room, ours: Daemon) -> Iterator[Any]:
    """Starts a program of the released Circus."""
    programs: list[Program] = []

    def start_program(*argv: str) -> Program:
        log = place.directory / f"program-{len(programs)}-{Path(argv[0]).name}.log"
        environ = {**place.environ, "PYTHONPATH": str(PROGRAMS)}
        programs.append(Program(argv, log, base_env=environ, cwd=place.directory))
        place.adopt(programs[-1])
        return programs[-1]

    yield start_program
    for program in programs:
        program.kill_group()


def plugin(run: Any, ours: Daemon, name: str, **config: object) -> Program:
    """The released `circus-plugin`, subscribed."""
    settings = ":::".join(f"{key}:{value}" for key, value in config.items())
    words = ["--endpoint", ours.endpoint, "--pubsub", ours.pubsub, "--check-delay", "1", "--log-level", "debug"]
    program: Program = run(released("circus-plugin"), *words, "--config", settings, name)
    program.wait_output("Starting")
    return program


def written(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_plugin_of_a_user_s_hears_asks_and_steers(ours: Daemon, run: Any, place: Room) -> None:
    path = place.directory / "written"
    program = plugin(run, ours, "event_writer.EventWriter", out=path, about="web", colour="red:green")

    def started() -> bool:
        # It hears of nothing before its subscription has come, which may be between two events of one start.
        ours.call("stop", name="web", waiting=True)
        ours.call("start", name="web", waiting=True)
        return {"spawn", "start"} <= {each[1] for each in written(path) if each[0] == "web"}

    wait_until(started, "an event in the plugin", pause_s=0.2, detail=program.output)
    wait_until(lambda: len(ours.pids("web")) >= 2, "the process that the plugin asked for", detail=program.output)
    lines = written(path)
    assert lines[0] == ["init", "red:green", True]
    assert ["asked", "active"] in lines
    assert {"process_pid", "time"} <= set(next(each[2] for each in lines if each[1] == "spawn"))
    program.signal(2)
    program.wait_exit()
    assert written(path)[-1] == ["stop"]


def test_flapping_gives_a_hasty_watcher_up(ours: Daemon, run: Any) -> None:
    program = plugin(run, ours, "circus.plugins.flapping.Flapping")
    ours.call("start", name="hasty")

    program.wait_output("flapping detected: retry in")
    program.wait_output("reached max retry limit")
    wait_until(lambda: ours.call("status", name="hasty")["status"] == "stopped", "the end of hasty")


def test_resource_watcher_restarts_what_is_too_big(ours: Daemon, run: Any) -> None:
    before = ours.pids("fat")
    plugin(
        run,
        ours,
        "circus.plugins.resource_watcher.ResourceWatcher",
        watcher="fat",
        max_mem="1K",
        max_count=1,
        loop_rate=0.3,
    )

    wait_until(lambda: ours.pids("fat") and ours.pids("fat") != before, "another process")


def test_statsd_counts_events_and_sends_figures(ours: Daemon, run: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(1)
        to = {"host": "127.0.0.1", "port": statsd.getsockname()[1], "application_name": "x"}
        plugin(run, ours, "circus.plugins.statsd.FullStats", loop_rate=0.3, **to)
        plugin(run, ours, "circus.plugins.statsd.StatsdEmitter", **to)
        received = wait_until(lambda: figures(ours, statsd), "counts and figures")

    assert "circus.x.watcher._stats.fat.watchers_num:1|g" in received


def figures(ours: Daemon, statsd: socket.socket) -> str:
    """Counts of events and figures of processes; empty as long as one of them is missing."""
    ours.call("restart", name="silent", waiting=True)
    received = ""
    for _ in range(200):
        try:
            received += statsd.recv(1000).decode() + "\n"
        except TimeoutError:
            break
        if "_stats.silent.mem_pct_sum" in received and "silent.spawn:1|c" in received:
            return received
    return ""


def test_watchdog_kills_what_is_silent(ours: Daemon, run: Any) -> None:
    before = ours.pids("silent")
    plugin(
        run,
        ours,
        "circus.plugins.watchdog.WatchDog",
        loop_rate=0.3,
        max_count=1,
        port=free_port(),
        watchers_regex="silent",
    )

    wait_until(lambda: ours.pids("silent") and ours.pids("silent") != before, "another process")


def test_circusd_stats_and_circus_top_show_processes(ours: Daemon, run: Any, place: Room) -> None:
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    stats = run(
        released("circusd-stats"), "--endpoint", ours.endpoint, "--pubsub", ours.pubsub, "--statspoint", endpoint
    )
    reader = run(str(PEER_PYTHON), str(PROGRAMS / "stats_reader.py"), endpoint)
    pid = ours.pids("barrier")[0]
    reader.wait_output(f'["barrier", "{pid}"')
    assert "Traceback" not in stats.output()

    terminal = PtyProgram(
        [released("circus-top"), "--endpoint", endpoint], env=dict(place.environ), cwd=place.directory
    )
    try:
        terminal.wait_shown(str(pid))
        assert "barrier" in terminal.shown()
    finally:
        terminal.close()
