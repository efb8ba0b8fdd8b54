"""Sinks by name, and what is wrong with a stream's options."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Location, StreamConfig
from circus_stack.errors import ConfigError
from circus_stack.streams.block import Block, Origin
from circus_stack.streams.output import Console
from circus_stack.streams.place import Place
from circus_stack.streams.pool import key_of
from circus_stack.streams.registry import check, plan, shipped_name
from circus_stack.streams.sink import SinkError
from circus_stack.streams.sinks.file import FileSink
from circus_stack.streams.validation import check_watcher, check_watchers, ignored_options, unknown_changes
from tests.unit.streams.foreign_sinks import Recorder

PLACE = Place("web", "stdout", Console.of_process())
FOREIGN = "tests.unit.streams.foreign_sinks"


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("FileStream", "FileStream"),
        ("circus.stream.FileStream", "FileStream"),
        ("circus.stream.file_stream.TimedRotatingFileStream", "TimedRotatingFileStream"),
        ("circus.stream:FancyStdoutStream", "FancyStdoutStream"),
        ("mine.FileStream", ""),
        ("Nothing", ""),
    ],
)
def test_our_own_sinks_answer_to_circus_names(name: str, short: str) -> None:
    assert shipped_name(name) == short


def test_a_filename_alone_is_a_file(tmp_path: Path) -> None:
    sink_plan = plan(StreamConfig("", {"filename": str(tmp_path / "x.log"), "max_bytes": "1024", "backup_count": "5"}))
    assert sink_plan.name == "FileStream"
    assert sink_plan.options["max_bytes"] == 1024
    sink = sink_plan.open(PLACE)
    assert isinstance(sink, FileSink)
    sink.write([Block(Origin("web", 1, 1, "stdout"), 0.0, b"x\n")], lambda: None)
    sink.close()
    assert (tmp_path / "x.log").read_bytes() == b"x\n"


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (StreamConfig("FileSteam", {}), ["unknown stream class", "'FileSteam'", "did you mean 'FileStream'?"]),
        (StreamConfig("", {"filname": "x"}), ["unknown option of FileStream", "stdout_stream.filname", "'filename'"]),
        (StreamConfig("FileStream", {"max_bytes": "many"}), ["not a count", "'many'", "a whole number"]),
        (StreamConfig("StdoutStream", {"color": "red"}), ["unknown option of StdoutStream", "time_format, pid"]),
        (StreamConfig("FancyStdoutStream", {"color": "pink"}), ["'pink'", "red, green"]),
        (StreamConfig("TimedRotatingFileStream", {"rotate_when": "Y"}), ["'Y'", "MIDNIGHT"]),
        (StreamConfig("no.such.module.Sink", {}), ["cannot import", "ModuleNotFoundError"]),
        (StreamConfig(f"{FOREIGN}.Missing", {}), ["cannot import", "AttributeError"]),
        (StreamConfig(f"{FOREIGN}.NOT_A_CLASS", {}), ["is not a class"]),
        (StreamConfig(f"{FOREIGN}.Strict", {"pth": "x"}), ["does not take these options", "'pth'"]),
    ],
)
def test_each_mistake_is_named_with_what_would_be_right(stream: StreamConfig, words: list[str]) -> None:
    (problem,) = check(stream)
    for word in words:
        assert word in str(problem)
    if "unknown option" not in str(problem):
        with pytest.raises(ConfigError):
            plan(stream)


def test_all_mistakes_come_at_once_with_file_and_line() -> None:
    where = {"stdout_stream.max_bytes": Location("circus.ini", 7), "stderr_stream.class": Location("circus.ini", 9)}
    watcher = WatcherConfig(
        name="web",
        stdout_stream=StreamConfig("", {"max_bytes": "-1", "colour": "x"}),
        stderr_stream=StreamConfig("Nope", {}),
        where=where,
    )
    texts = [str(problem) for problem in check_watcher(watcher)]
    assert len(texts) == 3
    assert texts[0].startswith("circus.ini:7: [watcher:web] stdout_stream.max_bytes: not a count")
    assert texts[1].startswith("[watcher:web] stdout_stream.colour: unknown option")
    assert texts[2].startswith("circus.ini:9: [watcher:web] stderr_stream.class: unknown stream class")


def test_what_circus_ignores_is_told_and_not_refused() -> None:
    watcher = WatcherConfig(
        name="web",
        stdout_stream=StreamConfig("FileStream", {"refresh_time": "0.3", "max_byte": "1"}),
        where={"stdout_stream.max_byte": Location("circus.ini", 7)},
    )
    assert check_watcher(watcher, refuses_unknown=False) == []
    assert len(check_watcher(watcher)) == 2
    texts = [str(problem) for problem in ignored_options([watcher])]
    assert [text.partition(";")[0] for text in texts] == [
        "[watcher:web] stdout_stream.refresh_time: unknown option of FileStream, ignored",
        "circus.ini:7: [watcher:web] stdout_stream.max_byte: unknown option of FileStream, ignored",
    ]
    assert "did you mean 'max_bytes'?" in texts[1]


def test_who_sets_an_unknown_option_hears_of_it() -> None:
    before = WatcherConfig(name="web", stdout_stream=StreamConfig("FileStream", {"refresh_time": "0.3"}))
    after = WatcherConfig(name="web", stdout_stream=StreamConfig("FileStream", {"refresh_time": "0.3", "pid": "1"}))
    worse = WatcherConfig(name="web", stdout_stream=StreamConfig("FileStream", {"refresh_time": "0.5"}))
    assert unknown_changes(before, after) == []
    (problem,) = unknown_changes(before, worse)
    assert "[watcher:web] stdout_stream.refresh_time: unknown option of FileStream" in str(problem)


def test_no_streams_no_mistakes() -> None:
    assert check_watcher(WatcherConfig(name="web")) == []


def test_a_class_of_the_users_own_is_called_as_circus_does() -> None:
    Recorder.calls.clear()
    sink = plan(StreamConfig(f"{FOREIGN}:Recorder", {"tag": "t"})).open(PLACE)
    sink.write([Block(Origin("web", 1, 7, "stderr"), 0.0, b"one\ntwo\n")], lambda: None)
    sink.close()
    assert Recorder.calls == ["open", ("t", b"one\ntwo\n", 7, "stderr", "float"), "close"]


@pytest.mark.parametrize(("name", "words"), [("Broken", "KeyError: 'no such queue'"), ("Mute", "cannot be used")])
def test_a_class_that_fails_when_it_is_made_is_a_mistake(name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plan(StreamConfig(f"{FOREIGN}.{name}", {})).open(PLACE)


def test_a_call_that_fails_loses_its_own_lines_only() -> None:
    Recorder.calls.clear()
    sink = plan(StreamConfig(f"{FOREIGN}.Recorder", {})).open(PLACE)
    blocks = [Block(Origin("web", 1, 7, "stdout"), 0.0, data) for data in (b"good\n", b"bad\n", b"fine\n")]
    with pytest.raises(SinkError, match="ValueError: does not like it") as caught:
        sink.write(blocks, lambda: None)
    assert [lost.data for lost in caught.value.lost] == [b"bad\n"]
    assert len(Recorder.calls) == 3


def test_streams_share_a_place_and_nothing_else() -> None:
    other = Place("redis", "stderr", PLACE.console)
    assert key_of("FileStream", {"filename": "/x/../y"}, PLACE) == key_of("FileStream", {"filename": "/y"}, other)
    assert key_of("FileStream", {"filename": "/x"}, PLACE) != key_of("FileStream", {"filename": "/y"}, PLACE)
    assert key_of("StdoutStream", {}, PLACE) == key_of("StdoutStream", {}, other)
    assert key_of("FancyStdoutStream", {}, PLACE) != key_of("FancyStdoutStream", {}, other)
    assert key_of(f"{FOREIGN}.Recorder", {}, PLACE) != key_of(f"{FOREIGN}.Recorder", {}, other)


def writing_to(name: str, path: Path, **options: str) -> WatcherConfig:
    return WatcherConfig(name=name, stdout_stream=StreamConfig("FileStream", {"filename": str(path), **options}))


def test_a_file_that_cannot_be_is_found_out_before_the_start(tmp_path: Path) -> None:
    watchers = [
        writing_to("a", tmp_path),
        writing_to("b", tmp_path / "no" / "x.log"),
        writing_to("c", tmp_path / "c.log"),
    ]
    texts = [str(problem) for problem in check_watchers(watchers)]
    assert texts == [
        f"[watcher:a] stdout_stream.filename: is a directory, not a file; found '{tmp_path}'",
        f"[watcher:b] stdout_stream.filename: the directory {tmp_path}/no does not exist; found '{tmp_path}/no/x.log'",
    ]
    assert list(tmp_path.iterdir()) == []
    assert check_watchers(watchers, looks_at_disk=False) == []


def test_two_watchers_may_share_a_file_in_one_way_only(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    one = writing_to("a", path, max_bytes="10")
    assert check_watchers([one, writing_to("b", path, max_bytes="10")]) == []
    (problem,) = check_watchers([one, writing_to("b", path, max_bytes="20")])
    assert "[watcher:a] stdout_stream writes to the same file with other options" in str(problem)


def test_the_line_of_the_stream_serves_where_that_of_the_key_is_unknown() -> None:
    watcher = WatcherConfig(
        name="a", stdout_stream=StreamConfig("Nope", {}), where={"stdout_stream": Location("x.ini", 3)}
    )
    (problem,) = check_watcher(watcher)
    assert str(problem).startswith("x.ini:3: ")
