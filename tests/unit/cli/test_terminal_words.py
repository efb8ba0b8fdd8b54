"""Styles, safe output, prefixes, voice: what bytes are printed for what."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from circus_stack.cli import ansi, logging_setup
from circus_stack.cli.json_printer import JsonPrinter
from circus_stack.cli.printer import Prefixes, PrefixPrinter
from circus_stack.cli.style import PLAIN, Style, style_of
from circus_stack.cli.voice import Level, Voice, form_for_people, form_json, form_of_circus
from circus_stack.streams.block import Block, Origin, StreamName
from circus_stack.streams.output import Console, Output

TTY = Style(is_terminal=True, has_colour=True, has_symbols=True)
NO_FD = 1 << 20


def block(data: bytes, watcher: str = "web", wid: int = 1, stream: StreamName = "stdout") -> Block:
    return Block(Origin(watcher, wid, 10, stream), 0.5, data)


def printer(style: Style, watchers: dict[str, int] | None = None) -> PrefixPrinter:
    console = Console(Output(NO_FD), Output(NO_FD))
    return PrefixPrinter(console, {"stdout": style, "stderr": style}, watchers or {})


@pytest.mark.parametrize(
    ("environ", "has_colour"),
    [
        ({}, False),
        ({"TERM": "xterm"}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": ""}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
    ],
)
def test_colours_of_what_is_no_terminal(environ: dict[str, str], has_colour: bool) -> None:
    style = style_of(NO_FD, environ)
    assert style.has_colour is has_colour
    assert not style.is_terminal
    assert not style.has_symbols


def test_nothing_is_painted_without_colours() -> None:
    assert PLAIN.paint("x", 31) == "x"
    assert TTY.paint("x", 1, 31) == "\x1b[1;31mx\x1b[0m"
    assert TTY.paint("", 31) == ""


@pytest.mark.parametrize(
    ("line", "safe"),
    [
        ("plain\ttext é", "plain\ttext é"),
        ("\x1b[31mred", "\x1b[31mred\x1b[0m"),
        ("\x1b[38;5;12mx\x1b[0m", "\x1b[38;5;12mx\x1b[0m\x1b[0m"),
        ("\x1b[2J\x1b[H", "^[[2J^[[H"),
        ("\x1b]0;title\x07", "^[]0;title^G"),
        ("over\rwritten", "over^Mwritten"),
        ("dos\r", "dos"),
        ("\x7f\x9b2J", "^?\\x9b2J"),
    ],
)
def test_only_colours_reach_the_terminal(line: str, safe: str) -> None:
    assert ansi.make_safe(line) == safe


def test_what_needs_no_work_is_recognised() -> None:
    assert ansi.is_harmless("a\tb\n")
    assert not ansi.is_harmless("a\x1b[0m")
    assert not ansi.is_harmless("a\r\n")


def test_each_line_has_its_process_and_the_names_are_aligned() -> None:
    plain = printer(PLAIN, {"web": 2, "redis": 1})
    assert plain.render(block(b"a\nb\n")) == b"web.1   | a\nweb.1   | b\n"
    assert plain.render(block(b"c\n", "redis")) == b"redis.1 | c\n"


def test_a_name_that_comes_later_widens_the_column() -> None:
    plain = printer(PLAIN)
    assert plain.render(block(b"a\n")) == b"web.1 | a\n"
    assert plain.render(block(b"a\n", "memcached")) == b"memcached.1 | a\n"
    assert plain.render(block(b"a\n")) == b"web.1       | a\n"


def test_bytes_are_left_alone_where_there_is_no_terminal() -> None:
    data = b"\xff\x1b]0;x\x07\r\n"
    assert printer(PLAIN).render(block(data)) == b"web.1 | " + data


def test_bytes_that_are_no_text_are_shown_on_a_terminal() -> None:
    assert b"\\xff" in printer(TTY).render(block(b"\xff\n"))


def test_a_watcher_keeps_its_colour_and_neighbours_differ() -> None:
    styles: dict[StreamName, Style] = {"stdout": TTY, "stderr": TTY}
    prefixes = Prefixes(styles, {"web": 2, "redis": 1})
    one, two = (prefixes.of(Origin("web", wid, 1, "stdout")).split(b"m")[0] for wid in (1, 2))
    assert one == two != prefixes.of(Origin("redis", 1, 1, "stdout")).split(b"m")[0]
    late = Prefixes(styles, {}).of(Origin("late", 1, 1, "stdout"))
    assert late == Prefixes(styles, {}).of(Origin("late", 1, 2, "stdout"))


def test_stderr_can_be_told_from_stdout_on_a_terminal() -> None:
    shown = printer(TTY)
    assert shown.render(block(b"x\n")) != shown.render(block(b"x\n", stream="stderr"))


def test_a_colour_that_is_not_ended_ends_with_its_line() -> None:
    assert printer(TTY).render(block(b"\x1b[31mred\nplain\n")).splitlines()[0].endswith(b"red\x1b[0m")


def test_our_own_words_have_no_prefix() -> None:
    assert (
        printer(PLAIN).render(block(b"circus-stack: hello\n", watcher="", stream="stderr")) == b"circus-stack: hello\n"
    )


def test_json_has_an_object_a_line() -> None:
    rendered = JsonPrinter(Console(Output(NO_FD), Output(NO_FD))).render(block(b'say "hi"\r\n\xff\n', stream="stderr"))
    first, second = map(json.loads, rendered.splitlines())
    assert first == {
        "time": "1970-01-01T00:00:00.500Z",
        "watcher": "web",
        "wid": 1,
        "pid": 10,
        "stream": "stderr",
        "message": 'say "hi"',
    }
    assert second["message"] == "\\xff"


def speak(form: object, level: Level, text: str, threshold: int = Level.INFO, **fields: object) -> list[str]:
    said: list[str] = []
    Voice(said.append, form, threshold=threshold, clock=lambda: 0.0).speak(level, text, **fields)  # type: ignore[arg-type]
    return said


def test_messages_for_people() -> None:
    form = form_for_people("circus-stack")
    assert speak(form, Level.GOOD, "ready") == ["circus-stack: ready"]
    assert speak(form, Level.WARNING, "careful") == ["circus-stack: warning: careful"]
    assert speak(form, Level.ERROR, "no") == ["circus-stack: error: no"]
    assert speak(form, Level.DEBUG, "detail") == []
    assert speak(form_for_people("x", TTY), Level.GOOD, "ready")[0] == "\x1b[32;1m\N{CHECK MARK}\x1b[0m ready"
    assert speak(form_for_people("x", TTY), Level.ERROR, "no")[0].endswith("\x1b[31mno\x1b[0m")


def test_messages_in_circus_form() -> None:
    (line,) = speak(form_of_circus("circusd", 7), Level.GOOD, "up")
    assert line.endswith(" circusd[7] [INFO] up")


def test_messages_in_json_keep_their_own_pid() -> None:
    (line,) = speak(form_json("circus-stack", 7), Level.WARNING, "é", process_pid=8, where=(1, 2))
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.000Z",
        "level": "warning",
        "program": "circus-stack",
        "pid": 7,
        "message": "é",
        "process_pid": 8,
        "where": [1, 2],
    }


@pytest.fixture
def _logging_restored() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("circus_stack")
    before = list(root.handlers), root.level, own.level
    yield
    logging.captureWarnings(False)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


@pytest.mark.usefixtures("_logging_restored")
def test_log_records_are_said_in_the_same_voice() -> None:
    said: list[str] = []
    voice = Voice(said.append, form_for_people("circus-stack"))
    logging_setup.configure("INFO", voice)
    log = logging.getLogger("circus_stack.arbiter")
    log.info("one of %d", 2)
    log.debug("unheard")
    log.warning("careful")
    logging.getLogger("zmq").info("a library's chatter")
    logging.getLogger("zmq").error("a library's trouble")
    assert said == [
        "circus-stack: one of 2",
        "circus-stack: warning: careful",
        "circus-stack: error: a library's trouble",
    ]
    logging_setup.configure("debug", voice)
    log.debug("heard")
    assert said[-1] == "circus-stack: heard"


@pytest.mark.usefixtures("_logging_restored")
def test_a_traceback_comes_with_its_record() -> None:
    said: list[str] = []
    logging_setup.configure("error", Voice(said.append, form_for_people("x")))
    try:
        raise ValueError("why")
    except ValueError:
        logging.getLogger("circus_stack").exception("it broke")
    assert said[0].startswith("x: error: it broke\nTraceback")
    assert "ValueError: why" in said[0]


def test_a_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="'loud' is no log level"):
        logging_setup.configure("loud", Voice(lambda _text: None, form_for_people("x")))
