"""What the sinks that send messages make of a line: JSON, syslog, journal; and what their options may be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from circus_stack.config.values import StreamConfig
from circus_stack.errors import ConfigError
from circus_stack.streams.block import Block, Origin, StreamName
from circus_stack.streams.json_lines import JsonJoiner
from circus_stack.streams.output import Console
from circus_stack.streams.place import Place
from circus_stack.streams.registry import plan
from circus_stack.streams.sinks.foreign import ForeignSink
from circus_stack.streams.sinks.journald import JournalEntry
from circus_stack.streams.sinks.queue_stream import MAX_RECORDS, QueueStream
from circus_stack.streams.sinks.syslog import ADDRESS, SyslogOptions, writer_of
from circus_stack.streams.sinks.wire import PATIENCE_S, Wire, WireAddress

PLACE = Place("web", "stdout", Console.of_process())


def block(data: bytes, stream: StreamName = "stdout", time: float = 1_700_000_000.25) -> Block:
    return Block(Origin("web", 2, 4711, stream), time, data)


def message(options: SyslogOptions, stream: StreamName = "stdout", watcher: str = "web") -> str:
    writer = writer_of(options, watcher, "host")
    return writer.message(writer.head(block(b"x\n", stream)), b"the text").decode()


UDP = WireAddress("udp", host="127.0.0.1", port=514)


def test_rfc_5424() -> None:
    text = message(SyslogOptions(address=UDP, facility="local3"), "stderr")
    stamp = r"2023-11-1[45]T\d\d:\d\d:20\.250[+-]\d\d:\d\d"
    assert re.fullmatch(rf"<155>1 {stamp} host web 4711 stderr - the text", text), text


def test_rfc_3164_without_host_where_the_daemon_is_here() -> None:
    assert re.fullmatch(r"<30>Nov 1[45] \d\d:\d\d:20 web\[4711\]: the text", message(SyslogOptions()))
    remote = SyslogOptions(address=UDP, format="rfc3164", level="debug", ident="my app: [1]")
    assert re.fullmatch(r"<31>Nov 1[45] \d\d:\d\d:20 host my_app___1_\[4711\]: the text", message(remote))


def test_messages_on_a_stream_are_told_apart() -> None:
    assert writer_of(SyslogOptions(address=UDP), "web", "host").framed(b"<30>1 x") == b"7 <30>1 x"
    assert writer_of(SyslogOptions(), "web", "host").framed(b"<30>x") == b"<30>x\n"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/dev/log", "/dev/log"),
        ("unix:/run/x", "/run/x"),
        ("udp://loghost", "udp://loghost:514"),
        ("tcp://[::1]:1514", "tcp://[::1]:1514"),
    ],
)
def test_addresses_of_syslog_daemons(text: str, address: str) -> None:
    assert str(ADDRESS.parse(text)) == address


@pytest.mark.parametrize("text", ["", "loghost", "http://loghost", "udp://", "tcp://x:99999", "tcp://x/y"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ConfigError, match="not a syslog address"):
        plan(StreamConfig("SyslogStream", {"address": text}))


def test_an_entry_of_the_journal() -> None:
    writer = JournalEntry(None, "web")
    entry = writer.message(writer.head(block(b"x\n", "stderr")), b"the text")
    assert entry == (
        b"PRIORITY=3\nSYSLOG_IDENTIFIER=web\nSYSLOG_PID=4711\nOBJECT_PID=4711\n"
        b"CIRCUS_WATCHER=web\nCIRCUS_WID=2\nCIRCUS_STREAM=stderr\nMESSAGE=the text\n"
    )


def test_a_field_with_newlines_has_its_length_before_it() -> None:
    head = JournalEntry("crit", "a\nb").head(block(b"x\n"))
    assert b"PRIORITY=2\nSYSLOG_IDENTIFIER\n\x03\0\0\0\0\0\0\0a\nb\nSYSLOG_PID" in head


def test_json_lines() -> None:
    lines = JsonJoiner("").join([block(b'one "1"\r\n\xff\x1b[31m\n'), block(b"open", "stderr")]).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"time": "2023-11-14T22:13:20.250Z", "watcher": "web", "wid": 2, "pid": 4711, "stream": stream, "message": text}
        for stream, text in (("stdout", 'one "1"'), ("stdout", "\\xff\x1b[31m"), ("stderr", "open"))
    ]
    assert json.loads(JsonJoiner("%Y").join([block(b"x\n")]))["time"] == "2023"


@pytest.mark.parametrize(
    ("sink", "options", "words"),
    [
        ("JsonStream", {"filename": "/x", "max_bytes": "9", "rotate_when": "D"}, "choose one"),
        ("JsonStream", {"filename": "/x", "rotate_when": "Y"}, "MIDNIGHT"),
        ("FileStream", {"filename": "/x", "compress": "zip"}, "none, gzip"),
        ("SyslogStream", {"facility": "nobody"}, "local0"),
        ("SyslogStream", {"level": "loud"}, "warning"),
        ("JournaldStream", {"level": "loud"}, "warning"),
    ],
)
def test_values_that_cannot_be(sink: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plan(StreamConfig(sink, options))


def test_an_object_of_an_embedding_program_is_called() -> None:
    records = QueueStream()
    options: dict[str, object] = {"stream": records}
    sink = plan(StreamConfig("", options)).open(PLACE)  # type: ignore[arg-type]
    sink.write([block(b"one\ntwo\n")], lambda: None)
    sink.close()
    record = records.get_nowait()
    assert (record["data"], record["pid"], record["name"]) == (b"one\ntwo\n", 4711, "stdout")


def test_a_queue_that_nobody_reads_keeps_the_newest() -> None:
    records = QueueStream()
    for number in range(MAX_RECORDS + 5):
        records({"data": number})
    assert (records.qsize(), records.get_nowait()["data"]) == (MAX_RECORDS, 5)
    assert isinstance(plan(StreamConfig("circus.stream.QueueStream", {})).open(PLACE), ForeignSink)


class Script:
    """A clock that only `sleep` moves on."""

    def __init__(self, wake: Callable[[float], None]) -> None:
        self.now = 0.0
        self._wake = wake

    def clock(self) -> float:
        return self.now

    def sleep(self, pause_s: float) -> None:
        self.now += pause_s
        self._wake(self.now)


def test_a_server_that_stays_away_costs_patience_once() -> None:
    script = Script(lambda _now: None)
    wire = Wire(WireAddress("unix", "/nowhere/log"), clock=script.clock, sleep=script.sleep)
    with pytest.raises(FileNotFoundError):
        wire.connect()
    assert script.now >= PATIENCE_S
    before = script.now
    with pytest.raises(FileNotFoundError):
        wire.send(b"x")
    assert script.now == before
