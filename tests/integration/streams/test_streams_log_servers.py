"""Real sockets of log servers: each line arrives, servers may come back, and what cannot be sent is counted."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from circus_stack.config.values import StreamConfig
from circus_stack.streams.block import Block, Origin
from circus_stack.streams.output import Console
from circus_stack.streams.place import Place
from circus_stack.streams.registry import plan
from circus_stack.streams.sink import Sink, SinkError
from circus_stack.streams.sinks.message_sink import MessageSink
from circus_stack.streams.sinks.wire import Wire, WireAddress
from tests.support.waiting import PATIENCE_S

ORIGIN = Origin("web", 1, 4711, "stdout")


def tick() -> None:
    """Progress is of no interest here."""


def opened(name: str, **options: str) -> Sink:
    return plan(StreamConfig(name, options)).open(Place("web", "stdout", Console.of_process()))


def write(sink: Sink, *lines: bytes) -> None:
    sink.write([Block(ORIGIN, 0.0, b"".join(line + b"\n" for line in lines))], tick)


def datagram_server(address: object) -> socket.socket:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.settimeout(PATIENCE_S)
    made.bind(address)  # type: ignore[arg-type]
    return made


def received(server: socket.socket, count: int) -> list[bytes]:
    return [server.recv(1 << 20) for _ in range(count)]


@pytest.fixture
def path() -> Iterator[str]:
    # A unix socket's path is short; pytest's directories are not.
    with tempfile.TemporaryDirectory(prefix="cs", dir="/tmp") as directory:
        yield f"{directory}/log"


def test_each_line_is_an_entry_of_the_journal(path: str) -> None:
    with datagram_server(path) as server:
        sink = opened("JournaldStream", path=path, ident="app")
        write(sink, b"one", b"", b"two \xff", b"x" * 100_000)
        entries = received(server, 6)
        sink.close()
    assert all(b"SYSLOG_IDENTIFIER=app\n" in entry for entry in entries)
    texts = [entry.partition(b"\nMESSAGE=")[2].removesuffix(b"\n") for entry in entries]
    assert texts[:3] == [b"one", b"", b"two \xff"]
    # In pieces that the journal takes, none of them lost.
    assert b"".join(texts[3:]) == b"x" * 100_000


def test_a_journal_that_is_restarted_gets_what_comes_after(path: str) -> None:
    with datagram_server(path) as server:
        sink = opened("JournaldStream", path=path)
        write(sink, b"before")
        received(server, 1)
    Path(path).unlink()
    writing = threading.Thread(target=write, args=(sink, b"between"), daemon=True)
    writing.start()
    with datagram_server(path) as server:
        assert received(server, 1)[0].endswith(b"MESSAGE=between\n")
        writing.join(PATIENCE_S)
    sink.close()


def test_a_server_that_does_not_read_holds_the_lane_and_loses_nothing(path: str) -> None:
    lines = [b"%06d" % number for number in range(5000)]
    with datagram_server(path) as server:
        sink = opened("SyslogStream", address=f"unix:{path}")
        writing = threading.Thread(target=write, args=(sink, *lines), daemon=True)
        writing.start()
        found = [message[-6:] for message in received(server, len(lines))]
        writing.join(PATIENCE_S)
        sink.close()
    assert found == lines


def test_syslog_by_udp() -> None:
    with datagram_server(("127.0.0.1", 0)) as server:
        sink = opened("SyslogStream", address=f"udp://127.0.0.1:{server.getsockname()[1]}")
        write(sink, b"one", b"two")
        messages = received(server, 2)
        sink.close()
    assert [message.rpartition(b" - ")[2] for message in messages] == [b"one", b"two"]
    assert all(message.startswith(b"<30>1 ") for message in messages)


def read_counted(connection: socket.socket, count: int) -> list[bytes]:
    """Messages of RFC 6587: a length, a blank, so many bytes."""
    with connection.makefile("rb") as stream:
        found = []
        for _ in range(count):
            length = b""
            while (char := stream.read(1)) != b" ":
                length += char
            found.append(stream.read(int(length)))
        return found


def test_syslog_by_tcp_also_after_the_server_hung_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        sink = opened("SyslogStream", address=f"tcp://127.0.0.1:{server.getsockname()[1]}")
        for texts in ([b"one", b"two"], [b"three"]):
            writing = threading.Thread(target=write, args=(sink, *texts), daemon=True)
            writing.start()
            with contextlib.closing(server.accept()[0]) as connection:
                connection.settimeout(PATIENCE_S)
                found = read_counted(connection, len(texts))
            writing.join(PATIENCE_S)
            assert [each.rpartition(b" - ")[2] for each in found] == texts
        sink.close()


class Letters:
    """Nothing but the line."""

    max_message = 100

    def head(self, block: Block) -> bytes:
        return b""

    def message(self, head: bytes, line: bytes) -> bytes:
        return head + line

    def framed(self, message: bytes) -> bytes:
        return message


def test_what_cannot_be_sent_is_named(path: str) -> None:
    now: list[float] = [0.0]

    def sleep(pause_s: float) -> None:
        now[0] += pause_s

    sink = MessageSink(Wire(WireAddress("unix", path), clock=lambda: now[0], sleep=sleep), Letters())
    blocks: Sequence[Block] = [Block(ORIGIN, 0.0, b"one\ntwo\n"), Block(ORIGIN, 0.0, b"three\n")]
    with pytest.raises(SinkError, match=r"log: .*No such file") as caught:
        sink.write(blocks, tick)
    assert [lost.data for lost in caught.value.lost] == [b"one\n", b"two\n", b"three\n"]
    with datagram_server(path) as server:
        sink.write(blocks, tick)
        assert received(server, 3) == [b"one", b"two", b"three"]
    sink.close()
