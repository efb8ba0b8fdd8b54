"""What circusctl prints of a history, for a person and for a program; and lengths of time as people give them."""

from __future__ import annotations

import pytest

from circus_stack.cli.history_table import render_histories, render_history
from circus_stack.cli.style import PLAIN, Style
from circus_stack.client.stats.records import History
from circus_stack.literals import parse_span

TERMINAL = Style(is_terminal=True, has_symbols=True, width=100)
WEB = History(
    watcher="web",
    step=10,
    times=tuple(range(1000, 1400, 10)),
    columns={
        "cpu": tuple(float(each) for each in range(40)),
        "rss": (12345678.0,) * 40,
        "processes": (2.0,) * 40,
        "p99": (None,) * 39 + (0.25,),
    },
)
STACK = History(watcher="", step=10, times=(1000,), columns={"cpu": (3.0,), "rss": (4096.0,)})
GONE = History(watcher="gone", step=10, times=(), columns={})


def test_a_program_gets_every_point() -> None:
    lines = render_history(WEB, PLAIN).splitlines()
    assert len(lines) == 41
    assert lines[1].split() == ["1000", "2", "0", "12345678", "-", "-", "-"]
    assert lines[-1].split() == ["1390", "2", "39", "12345678", "-", "0.25", "-"]


def test_a_person_gets_means_of_stretches() -> None:
    title, _, *rows = render_history(WEB, TERMINAL).splitlines()
    assert title == "web: the last 6m 40s; each line is the mean until the next one"
    assert len(rows) == 20
    assert rows[-1].split()[1:] == ["2", "38.5", "12M", "250ms"]


def test_all_watchers_then_the_stack() -> None:
    heading, web, stack = render_histories([STACK, WEB], TERMINAL).splitlines()
    assert heading.split()[:5] == ["WATCHER", "CPU%", "MOST", "RSS", "MOST"]
    assert heading.endswith("  CPU")
    assert web.split()[:5] == ["web", "19.5", "39.0", "12M", "12M"]
    assert web.endswith("█")
    assert stack.startswith("(all)")
    assert render_histories([WEB], PLAIN).splitlines()[1].split()[:3] == ["web", "19.5", "39"]


def test_nothing_is_remembered() -> None:
    assert render_history(GONE, PLAIN) == render_histories([GONE], TERMINAL) == "nothing is remembered of that time"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 7D ", 604800), ("1e2", 100)]
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_span(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "m", "0", "0m", "-5", "-5m", "ten", "10 minutes", "10x", "nan", "inf", "1e999", "infd"]
)
def test_no_lengths_of_time(text: str) -> None:
    with pytest.raises(ValueError):
        parse_span(text)
