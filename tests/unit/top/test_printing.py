"""`--once`, `--json`, `--csv`, and text that must not steer a terminal."""

from __future__ import annotations

import csv
import dataclasses
import json

from circus_stack.top.exports import as_csv, as_json
from circus_stack.top.lines import View
from circus_stack.top.plain import render
from circus_stack.top.printable import printable
from circus_stack.top.rows import StackRow
from tests.unit.top.rows import SHOP, WEB


def test_a_look_is_a_heading_a_tree_and_the_sockets() -> None:
    heading, titles, *lines = render([SHOP], View()).split("\n")
    assert heading == "shop  pid 7  up 3m20  3 processes  cpu 31.0%  rss 3.0M"
    assert titles.split() == ["WATCHER", "STATE", "CPU%", "RSS", "PSS", "RPS", "P99", "BUSY", "THR", "RST", "AGE"]
    assert lines[0].split() == ["web", "1/2", "active", "31.0", "3.0M", "12.0", "250ms", "2", "1", "1m30"]
    assert lines[1].split() == ["12", "#1", "ready", "1.0", "1.0M", "1m30", "chaussette", "app"]
    assert lines[3].endswith("failed 10 times in 60 s")
    assert lines[-1] == "socket web  127.0.0.1:80  queue 3/128  2.5/s  1 dropped"


def test_what_is_wrong_stands_below_the_heading() -> None:
    assert render([StackRow(name="gone", trouble="nobody answers")], View()).split("\n")[1] == "nobody answers"


def test_json_has_plain_numbers() -> None:
    [stack] = json.loads(as_json([SHOP]))["stacks"]
    assert stack["watchers"][0]["figures"]["rss"] == 3 * 2**20
    assert stack["watchers"][0]["processes"][1]["figures"]["rss"] is None
    assert stack["sockets"][0]["queued"] == 3


def test_csv_has_a_line_each() -> None:
    rows = list(csv.DictReader(as_csv([SHOP], View()).split("\n")))
    assert [(row["watcher"], row["pid"], row["wid"]) for row in rows[:3]] == [
        ("web", "", ""),
        ("web", "12", "1"),
        ("web", "11", "2"),
    ]
    assert [row["watcher"] for row in rows[3:]] == ["Jobs", "Jobs", "idle"]
    assert (rows[0]["cpu"], rows[0]["restarts"], rows[1]["rss"]) == ("31.0", "1", "1048576")


def test_what_others_write_does_not_steer_the_terminal() -> None:
    assert printable("a\x1b[31mred\x1b[0m\tb") == "ared  b"
    assert printable("\x1b]0;title\x07x\x1b]8;;http://a\x1b\\y") == "xy"
    assert printable("bell\x07 \x9b5n \r\n") == "bell· ·5n ··"
    assert printable("grüße 漢") == "grüße 漢"
    evil = dataclasses.replace(WEB, name="we\x1b[2Jb", processes=())
    assert "\x1b" not in render([dataclasses.replace(SHOP, watchers=(evil,))], View())
