"""What circusctl and `circus-stack status` print, from replies alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from circus_stack.cli.ctl_output import render
from circus_stack.cli.status import render_status
from circus_stack.cli.style import PLAIN, Style
from circus_stack.cli.table import Column, render_table
from circus_stack.cli.target import Target
from circus_stack.client.discovery import FoundStack
from circus_stack.protocol.record import StackRecord
from circus_stack.protocol.rundir import RuntimePaths
from circus_stack.top.words import spaced_age

SINGLETON = "a singleton keeps its one process: nothing has changed"
TERMINAL = Style(is_terminal=True, has_colour=True, has_symbols=True, width=80)


def info(pid: int, **more: Any) -> dict[str, Any]:
    figures = {"mem_info1": "1.36M", "mem_info2": "2.44M", "cpu": 0.5, "mem": 0.007, "ctime": "0:00.31", "age": 61.0}
    return {"pid": pid, "username": "u", "nice": 0, "cmdline": "sleep", "children": [], **figures, **more}


@pytest.mark.parametrize(
    ("command", "reply", "text"),
    [
        ("list", {"watchers": ["a", "b"]}, "a,b"),
        ("list", {"pids": [1, 2]}, "1,2"),
        ("list", {"pids": []}, ""),
        ("status", {"status": "stopped"}, "stopped"),
        ("status", {"status": "ok", "statuses": {"a": "active", "b": "failed"}}, "a: active\nb: failed"),
        ("start", {"status": "ok"}, "ok"),
        ("stop", {"status": "ok", "info": None}, "ok"),
        ("incr", {"status": "ok"}, "ok"),
        ("incr", {"status": "ok", "numprocesses": 3}, "3"),
        ("incr", {"numprocesses": 1, "singleton": True}, SINGLETON),
        ("get", {"options": {"a": None, "b": {}, "c": {"x": 1}, "d": False}}, "a: \nb: {}\nc: {'x': 1}\nd: False"),
        ("listsockets", {"sockets": [{"fd": 6, "name": "w", "host": "::1", "port": 1}]}, "6:socket 'w' at [::1]:1"),
        ("listsockets", {"sockets": [{"fd": 6, "name": "w", "path": "/x"}]}, "6:socket 'w' at /x"),
        ("logs", {"lines": [{"watcher": "web", "wid": 2, "data": "hi"}]}, "web.2 | hi"),
        ("reloadconfig", {"status": "ok"}, "ok"),
        ("reloadconfig", {"changes": []}, "nothing has changed"),
        ("reloadconfig", {"changes": ["a", "b"]}, "a\nb"),
        ("dstats", {"info": info(7)}, "Main Process:\n    7  sleep u 0 1.36M 2.44M 0.5 0.007 0:00.31"),
    ],
)
def test_replies_are_printed_as_circus_does(command: str, reply: dict[str, Any], text: str) -> None:
    assert render(command, reply, PLAIN) == text


def test_statistics_for_programs() -> None:
    web = {"11": info(11, backend="gevent", children=[info(12)]), "13": "No such process (stopped?)"}

    text = render("stats", {"infos": {"web": web, "idle": {}}}, PLAIN)

    assert text.splitlines() == [
        "web:",
        "11: 11  sleep u 0 1.36M 2.44M 0.5 0.007 0:00.31",
        "   12  sleep u 0 1.36M 2.44M 0.5 0.007 0:00.31",
        "13: No such process (stopped?)",
        "idle:",
    ]


def test_statistics_for_people_fit_the_terminal() -> None:
    web = {"11": info(11, wid=1, state="ready", cmdline="chaussette: " + "x" * 100)}

    lines = render("stats", {"infos": {"web": web, "idle": {}}}, Style(is_terminal=True, width=80)).splitlines()

    assert lines[0].split() == ["PID", "SLOT", "STATE", "CPU%", "MEM%", "RSS", "TIME", "AGE", "NICE", "USER", "COMMAND"]
    assert lines[1] == "web:"
    assert lines[2].startswith(" 11     1  ready")
    assert lines[2].endswith("~")
    assert lines[3:] == ["idle:", "no process"]
    assert max(map(len, lines)) <= 80


def test_statistics_of_one_process() -> None:
    assert render("stats", {"process": 11, "info": info(11)}, PLAIN).startswith("11: 11  sleep")


def test_every_file_that_was_written_is_told() -> None:
    reply = {"saved": "/a.ini", "files": ["/a.ini", "/b.ini"], "changes": ["= one"], "unsaved": ["two"]}

    assert render("save", reply, PLAIN) == "saved in /a.ini\nsaved in /b.ini\n  = one\nnot saved: two"
    nothing = {"saved": "/a.ini", "files": [], "changes": [], "unsaved": []}
    assert render("save", nothing, PLAIN) == "nothing to write: /a.ini says it already"


def test_states_have_colours_on_a_terminal_only() -> None:
    reply = {"statuses": {"a": "active", "b": "failed"}}

    assert render("status", reply, TERMINAL) == "a: \x1b[32mactive\x1b[0m\nb: \x1b[31;1mfailed\x1b[0m"
    assert "\x1b" not in render("status", reply, PLAIN)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.9, "0s"), (59, "59s"), (200, "3m 20s"), (18120, "5h 02m"), (792000, "9d 04h")],
)
def test_ages(seconds: float | None, text: str) -> None:
    assert spaced_age(seconds) == text


def test_columns_stand_below_each_other_whatever_their_colour() -> None:
    columns = (Column("NAME"), Column("N", is_number=True), Column("REST"))
    rows = [("a", "1", "x"), ("\x1b[32mlonger\x1b[0m", "100", "")]

    lines = render_table(columns, rows, PLAIN).splitlines()

    assert lines == ["NAME      N  REST", "a         1  x", "\x1b[32mlonger\x1b[0m  100"]


def process(pid: int, state: str = "ready", started: float = 900.0) -> dict[str, Any]:
    return {"pid": pid, "wid": 1, "state": state, "started": started, "ready_at": None, "generation": 1}


def test_the_status_of_a_stack() -> None:
    record = StackRecord(
        id="x", name="notes", source="/srv/a.ini", pid=7, started_at=800.0, endpoint="ipc:///c", version="1"
    )
    target = Target("ipc:///c", FoundStack(record, RuntimePaths(Path("/run/x"))))
    watchers = {
        "web": {"wanted": 2, "labels": {"backend": "gevent"}, "processes": [process(11), process(12, "starting", 990)]},
        "many": {"wanted": 8, "labels": {}, "processes": [process(pid) for pid in range(20, 28)]},
        "off": {"wanted": 1, "labels": {}, "processes": []},
    }
    statuses = {"web": "active", "many": "active", "off": "stopped"}
    sockets = [{"name": "web", "host": "127.0.0.1", "port": 80}]

    lines = render_status(target, statuses, watchers, sockets, 1000.0, PLAIN).splitlines()

    assert lines[:2] == ["notes  /srv/a.ini", "pid 7, up 3m 20s, ipc:///c"]
    assert lines[4].split() == ["web", "active", "1/2", "1m", "40s", "gevent", "11,", "12"]
    assert lines[5].endswith("20, 21, 22, 23, 24, 25, and 2 more")
    assert lines[6].split() == ["off", "stopped", "0/1"]
    assert lines[8:] == ["SOCKET  ADDRESS", "web     127.0.0.1:80"]


def test_the_status_of_a_circus_that_sends_no_more_than_states() -> None:
    text = render_status(Target("tcp://x"), {"web": "active"}, {}, [], 0.0, PLAIN)

    assert text.splitlines()[0] == "arbiter at tcp://x"
    assert text.splitlines()[3].split() == ["web", "active"]
