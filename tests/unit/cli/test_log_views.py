"""How log lines are shown: names and colours for people, plain for a pipe, objects for programs."""

from __future__ import annotations

import io
import json

import pytest

from circus_stack.cli.log_view import JsonView, TextView
from circus_stack.cli.style import Style
from circus_stack.client.loglines import LogRecord

PLAIN = Style()
TERMINAL = Style(is_terminal=True, has_colour=True)


def record(text: str, *, is_after_gap: bool = False) -> LogRecord:
    return LogRecord(7, "web", 2, 4711, "stdout", 1.5, text, is_after_gap)


def shown(style: Style, *texts: str) -> str:
    out = io.BytesIO()
    TextView(out, style, {"web": 1}, pytest.fail).show(map(record, texts))
    return out.getvalue().decode()


def test_a_pipe_gets_no_colours() -> None:
    assert shown(PLAIN, "\x1b[1;31mred\x1b[0m", "plain \x07") == "web.2 | red\nweb.2 | plain \x07\n"


def test_a_terminal_gets_colours_and_nothing_else_that_would_steer_it() -> None:
    line = shown(TERMINAL, "\x1b[31mred\x1b[2J")
    assert line.endswith(" \x1b[31mred^[[2J\x1b[0m\n")


def test_a_terminal_without_colours() -> None:
    assert shown(Style(is_terminal=True), "\x1b[31mred\x07") == "web.2 | red^G\n"


def test_what_is_missing_is_said_where_it_is_missing() -> None:
    out = io.BytesIO()
    said: list[bytes] = []
    view = TextView(out, PLAIN, {"web": 1}, lambda text: said.append(out.getvalue() + text.encode()))
    view.show([record("one"), record("three", is_after_gap=True)])
    assert said == [b"web.2 | one\nlines are missing here: they came faster than they could be shown"]


def test_an_object_a_line() -> None:
    out = io.BytesIO()
    JsonView(out).show([record("\x1b[31mred")])
    assert json.loads(out.getvalue()) == {
        "seq": 7,
        "watcher": "web",
        "wid": 2,
        "pid": 4711,
        "stream": "stdout",
        "time": 1.5,
        "data": "\x1b[31mred",
        "is_after_gap": False,
    }
