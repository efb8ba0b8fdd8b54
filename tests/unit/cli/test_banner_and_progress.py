"""The first lines of `serve`, and a sentence for each event."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from circus_stack import events
from circus_stack.cli.banner import BannerInfo, Listening, banner, banner_fields
from circus_stack.cli.progress import Progress
from circus_stack.cli.style import PLAIN, Style
from circus_stack.cli.voice import Voice, form_for_people
from circus_stack.streams.drops import Dropped

INFO = BannerInfo(
    version="1.0",
    pid=7,
    source="/srv/app.ini",
    app="config:app.ini#main",
    backend="waitress",
    workers=2,
    threads=4,
    sockets=[Listening("web", "127.0.0.1", 6543), Listening("six", "::1", 80), Listening("ux", path="/run/x")],
    services=["redis", "solr"],
    endpoint="ipc:///run/control",
    console="http://127.0.0.1:8080/",
)


def test_the_banner_tells_what_runs_and_where() -> None:
    assert banner(INFO, PLAIN) == (
        "circus-stack 1.0, pid 7\n"
        "\n"
        "  config     /srv/app.ini\n"
        "  app        config:app.ini#main\n"
        "  server     waitress, 2 workers of 4 threads\n"
        "  listening  http://127.0.0.1:6543/\n"
        "             http://[::1]:80/\n"
        "             unix:/run/x\n"
        "  services   redis, solr\n"
        "  control    ipc:///run/control\n"
        "  console    http://127.0.0.1:8080/\n"
        "\n"
    )


def test_the_banner_leaves_out_what_there_is_not() -> None:
    text = banner(BannerInfo(version="1", pid=1, source="circus.ini", watchers=["a", "b"]), PLAIN)
    assert "server" not in text
    assert "listening" not in text
    assert "console" not in text
    assert "  watchers   a, b\n" in text


def test_the_banner_is_plain_without_colours_only() -> None:
    assert "\x1b" not in banner(INFO, PLAIN)
    assert "\x1b[" in banner(INFO, Style(is_terminal=True, has_colour=True))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_a_socket_on_every_address_can_be_clicked(host: str) -> None:
    assert str(Listening("web", host, 80)) == "http://localhost:80/ (on every address)"


def test_the_banner_tells_the_range_of_workers() -> None:
    assert "waitress, 2 workers of 4 threads, scaled within 2..16\n" in banner(replace(INFO, scaled="2..16"), PLAIN)


def test_the_banner_as_fields() -> None:
    fields = banner_fields(INFO)
    assert fields["sockets"] == {"web": "http://127.0.0.1:6543/", "six": "http://[::1]:80/", "ux": "unix:/run/x"}
    assert fields["backend"] == "waitress"
    assert fields["console"] == "http://127.0.0.1:8080/"


class Story:
    """A Progress, and what it said."""

    def __init__(self, **watchers: int) -> None:
        self.said: list[str] = []
        self.progress = Progress(
            Voice(self.said.append, form_for_people("cs")), watchers=watchers, began=100.0, hint="x"
        )

    def spawned(self, watcher: str, wid: int, pid: int) -> None:
        self.progress.handle(events.ProcessSpawned(watcher=watcher, time=0, process_pid=pid, wid=wid))

    def ready(self, watcher: str, wid: int, pid: int, after_s: float = 0.41) -> None:
        event = events.ProcessReady(watcher=watcher, time=0, process_pid=pid, wid=wid, after_s=after_s)
        self.progress.handle(event)

    def reaped(self, watcher: str, pid: int, code: int, *, expected: bool = False) -> None:
        event = events.ProcessReaped(watcher=watcher, time=0, process_pid=pid, exit_code=code, expected=expected)
        self.progress.handle(event)


def test_the_start_of_a_stack() -> None:
    story = Story(redis=1, web=2)
    story.spawned("redis", 1, 10)
    story.ready("redis", 1, 10, 0.0)
    story.spawned("web", 1, 11)
    story.spawned("web", 2, 12)
    story.ready("web", 2, 12)
    story.ready("web", 1, 11)
    story.progress.announce_up(101.5)
    story.progress.announce_up(102.5)
    assert story.said == [
        "cs: redis.1 is starting",
        "cs: redis.1 started (pid 10)",
        "cs: web is starting 2 processes",
        "cs: web.2 ready in 0.41 s (pid 12)",
        "cs: web.1 ready in 0.41 s (pid 11)",
        "cs: ready in 1.50 s; x",
    ]


def test_a_large_watcher_is_told_by_the_quarter() -> None:
    story = Story(web=100)
    for number in range(100):
        story.spawned("web", number, number)
    for number in range(100):
        story.ready("web", number, number)
    assert story.said == ["cs: web is starting 100 processes"] + [
        f"cs: web: {number} of 100 processes ready" for number in (25, 50, 75, 100)
    ]


def test_scaling() -> None:
    story = Story(web=1)
    of_web: dict[str, Any] = {"watcher": "web", "time": 0}
    change: dict[str, Any] = {**of_web, "old": 2, "new": 3}
    story.progress.handle(events.WatcherScaled(**change, reason="busy 95% > 80%", automatic=True, dry_run=False))
    story.progress.handle(events.WatcherScaled(**change, reason="", automatic=False, dry_run=True))
    story.progress.handle(events.ScalingHeld(**of_web, reason="9 processes are beyond the range 2..4"))
    story.progress.handle(events.ScalingResumed(**of_web, reason="4 processes are within the range 2..4 again"))
    assert story.said == [
        "cs: web is scaled from 2 to 3: busy 95% > 80%",
        "cs: web would be scaled from 2 to 3",
        "cs: warning: web is not scaled: 9 processes are beyond the range 2..4",
        "cs: web is scaled again: 4 processes are within the range 2..4 again",
    ]


def test_a_process_that_outlives_its_time() -> None:
    story = Story(web=1)
    story.spawned("web", 1, 11)
    of_web: dict[str, Any] = {"watcher": "web", "time": 0, "process_pid": 11, "wid": 1}
    over: dict[str, Any] = {**of_web, "bytes": 130 << 20, "limit": 120 << 20, "kind": "pss"}
    story.progress.handle(events.MemoryExceeded(**over, killed=False))
    story.progress.handle(events.ReplacementBegun(**of_web, reason="memory"))
    story.progress.handle(events.MemoryExceeded(**over, killed=True))
    assert story.said[1:] == [
        "cs: warning: web.1 uses 130.00M (pss), more than 120.00M (pid 11)",
        "cs: web.1 is replaced because of: memory (pid 11)",
        "cs: warning: web.1 uses 130.00M (pss), more than 120.00M, and is killed (pid 11)",
    ]


def test_a_death_and_what_follows() -> None:
    story = Story(web=1)
    story.spawned("web", 1, 11)
    story.ready("web", 1, 11)
    story.reaped("web", 11, -9)
    story.spawned("web", 1, 12)
    story.reaped("web", 12, 3)
    story.progress.handle(events.RespawnDelayed(watcher="web", time=0, delay_s=0.5, failures=1))
    story.progress.handle(events.RespawnDelayed(watcher="web", time=0, delay_s=2.0, failures=3))
    story.progress.handle(events.WatcherFailed(watcher="web", time=0, reason="10 failures in 60 s"))
    assert story.said[2:] == [
        "cs: warning: web.1 (pid 11) was killed by SIGKILL",
        "cs: web.1 is starting anew (pid 12)",
        "cs: warning: web.1 (pid 12) exited with status 3",
        "cs: warning: web failed; next try in 0.5 s",
        "cs: warning: web failed 3 times in a row; next try in 2 s",
        "cs: error: web was given up: 10 failures in 60 s",
    ]


def test_a_stack_that_came_up_without_a_watcher_says_so() -> None:
    story = Story(web=1, solr=1)
    story.progress.handle(events.WatcherFailed(watcher="solr", time=0, reason="x"))
    story.progress.announce_up(101.0)
    assert story.said[-1] == "cs: warning: up in 1.00 s, but without solr"


def test_reloads() -> None:
    story = Story(web=1)
    story.progress.handle(events.WatcherReloaded(watcher="web", time=0))
    story.progress.handle(events.ReloadFailed(watcher="web", time=0, reason="web.3 exited with status 1"))
    story.progress.handle(events.ConfigApplied(watcher="circus", time=0, changes=("web: numprocesses 2 -> 3",)))
    story.progress.handle(events.ConfigApplied(watcher="circus", time=0, changes=()))
    assert story.said == [
        "cs: web reloaded",
        "cs: error: reload of web failed, the old processes serve on: web.3 exited with status 1",
        "cs: configuration read again:",
        "cs:   web: numprocesses 2 -> 3",
        "cs: configuration read again: nothing has changed",
    ]


def test_a_stop() -> None:
    story = Story(web=2, redis=1)
    story.spawned("web", 1, 11)
    story.progress.handle(events.ProcessKilled(watcher="web", time=0, process_pid=11, signum=15))
    story.reaped("web", 11, 0, expected=True)
    story.progress.handle(events.WatcherStopped(watcher="web", time=0))
    story.reaped("redis", 9, 0, expected=True)
    story.progress.handle(events.WatcherStopped(watcher="redis", time=0))
    assert story.said[1:] == ["cs: web.1 stopped (pid 11)", "cs: web is stopped", "cs: redis stopped (pid 9)"]


def test_what_did_not_work() -> None:
    story = Story(web=1)
    story.spawned("web", 1, 11)
    story.progress.handle(events.ReadyTimedOut(watcher="web", time=0, process_pid=11, timeout_s=60.0))
    story.progress.handle(events.SpawnFailed(watcher="web", time=0, reason="no such file: nginx"))
    story.progress.note_drop(Dropped("stdout", "web", "stdout", 2, 10, "has taken nothing for 5 s"))
    assert story.said[1:] == [
        "cs: warning: web.1 was not ready within 60 s and is ended (pid 11)",
        "cs: error: web cannot be started: no such file: nginx",
        "cs: warning: 2 lines (10 bytes) of web's stdout dropped: stdout has taken nothing for 5 s",
    ]
