"""From replies, and from a statistics channel alone, to rows."""

from __future__ import annotations

from typing import Any

from circus_stack.client.stats.reading import record_of, snapshot_of
from circus_stack.client.stats.records import NO_FIGURES
from circus_stack.top.channel import Board, total_of
from circus_stack.top.merge import sockets_of, watchers_of

STATUS = {
    "statuses": {"web": "active", "circusd-stats": "active", "old": "stopped"},
    "details": {"old": "waits for redis"},
    "watchers": {
        "web": {
            "wanted": 2,
            "range": {"least": 1, "most": 4},
            "processes": [
                {"pid": 5, "wid": 1, "state": "ready", "started": 990.0},
                {"pid": 6, "wid": 2, "state": "starting", "started": 1001.0},
            ],
        },
        "old": {"wanted": 0, "range": None, "processes": []},
    },
}
SNAPSHOT: dict[str, Any] = {
    "total": {},
    "watchers": {
        "web": {
            "cpu_sum": 12.5,
            "rss": 4096,
            "rps": 3.0,
            "p99": 0.5,
            "restarts": 4,
            "pids": {"5": {"cpu": 12.5, "rss": 4096, "pss": 1024, "argv": ["app", "-x"], "username": "www"}},
        }
    },
}


def test_states_come_from_the_arbiter_and_figures_from_circusd_stats() -> None:
    web, old = watchers_of(STATUS, snapshot_of(SNAPSHOT), 1000.0)
    assert (web.name, web.state, web.wanted, web.ready, web.restarts, web.age) == ("web", "active", 2, 1, 4, 10.0)
    assert (web.scaled, old.scaled) == ("1..4", "")
    assert (web.figures.cpu, web.figures.rps, web.figures.p99, web.figures.busy) == (12.5, 3.0, 0.5, None)
    known, new = web.processes
    assert (known.pid, known.wid, known.command, known.user, known.figures.pss) == (5, 1, "app -x", "www", 1024)
    # Started just now, by the clock of another machine: not sampled yet.
    assert (new.age, new.figures) == (0.0, NO_FIGURES)
    assert (old.state, old.detail, old.processes) == ("stopped", "waits for redis", ())


def test_without_samples_there_are_states() -> None:
    web, _ = watchers_of(STATUS, None, 1000.0)
    assert (web.state, web.figures, web.restarts) == ("active", NO_FIGURES, None)


def test_a_reply_of_circus_has_states_alone() -> None:
    [web] = watchers_of({"statuses": {"web": "active"}}, None, 0.0)
    assert (web.state, web.wanted, web.processes) == ("active", None, ())


def test_sockets() -> None:
    listed = [{"name": "web", "host": "::1", "port": 80, "backlog": 64}, {"name": "u", "path": "/run/u"}]
    web, unix = sockets_of(
        listed, snapshot_of({**SNAPSHOT, "sockets": [{"name": "web", "queued": 2, "limit": 128, "drops": 0}]})
    )
    assert (web.address, web.queued, web.limit, web.dropped) == ("::1:80", 2, 128, 0)
    assert (unix.address, unix.queued, unix.limit) == ("/run/u", None, None)


def told(board: Board, topic: str, fields: dict[str, Any], now: float) -> None:
    last = topic.rpartition(".")[2]
    record = record_of(topic, {"subtopic": int(last), **fields} if last.isdecimal() else fields)
    if record is not None:
        board.apply(record, now)


def test_a_channel_of_circus_is_enough_for_rows() -> None:
    board = Board(3.0)
    told(board, "stat.web.7", {"mem_info1": "1.50M", "cpu": 4.0, "age": 9.5, "cmdline": "python", "name": None}, 1.0)
    told(board, "stat.web.8", {"mem_info1": "N/A", "cpu": "N/A", "age": "N/A"}, 3.0)
    told(board, "stat.web", {"pid": [7, 8], "cpu": 2.0}, 3.0)
    told(board, "stat.sockets.9", {"address": "127.0.0.1:80", "reads": 5}, 3.0)
    told(board, "watcher.web.spawn", {"process_pid": 7}, 3.0)
    [web] = board.watchers(3.5)
    assert [each.pid for each in web.processes] == [7, 8]
    assert (web.processes[0].figures.rss, web.processes[1].figures.rss) == (3 * 2**19, None)
    assert (total_of((web,)).cpu, web.age, board.sockets()[0].accepted_per_s) == (4.0, 9.5, 5.0)


def test_a_silent_process_is_gone() -> None:
    board = Board(3.0)
    told(board, "stat.web.7", {"cpu": 4.0}, 1.0)
    told(board, "stat.web.8", {"cpu": 4.0}, 3.0)
    [web] = board.watchers(4.5)
    assert [each.pid for each in web.processes] == [8]
    assert board.watchers(60.0) == ()
