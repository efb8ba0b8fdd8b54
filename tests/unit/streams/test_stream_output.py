"""The arbiter's own stdout and stderr, written to by threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from circus_stack.streams.block import Block, Origin, StreamName
from circus_stack.streams.output import CHUNK, Console, Output
from circus_stack.streams.place import Place
from circus_stack.streams.sinks.console import (
    FancyStdoutOptions,
    RawConsoleSink,
    StdoutOptions,
    open_fancy_stdout,
    open_stdout,
)

PATIENCE_S = 20.0


class Pipes:
    """A console whose stdout and stderr are pipes."""

    def __init__(self) -> None:
        self.readers: dict[StreamName, int] = {}
        self.writers: dict[StreamName, int] = {}
        for name in ("stdout", "stderr"):
            self.readers[name], self.writers[name] = os.pipe()  # type: ignore[index]
        self.console = Console(Output(self.writers["stdout"]), Output(self.writers["stderr"]))

    def read(self, name: StreamName) -> bytes:
        os.set_blocking(self.readers[name], False)
        try:
            return os.read(self.readers[name], 1 << 20)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        for fd in (*self.readers.values(), *self.writers.values()):
            try:
                os.close(fd)
            except OSError:
                pass


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    made.close()


def block(data: bytes, stream: StreamName = "stdout", pid: int = 10) -> Block:
    return Block(Origin("web", 1, pid, stream), 0.0, data)


def tick() -> None:
    """Progress is of no interest here."""


def test_each_chunk_is_progress(pipes: Pipes) -> None:
    ticks: list[int] = []
    pipes.console.stdout.write(b"x" * (2 * CHUNK + 1), lambda: ticks.append(1))
    assert len(ticks) == 3
    assert len(pipes.read("stdout")) == 2 * CHUNK + 1


def test_a_reader_that_went_away_ends_the_output_quietly(pipes: Pipes) -> None:
    os.close(pipes.readers["stdout"])
    pipes.console.stdout.write(b"x\n", tick)
    pipes.console.stdout.write(b"x\n", tick)
    pipes.console.stderr.write(b"still read\n", tick)
    assert pipes.read("stderr") == b"still read\n"


def test_a_closed_file_descriptor_is_an_output_that_went_away() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    ticks: list[int] = []
    Output(writer).write(b"x\n", lambda: ticks.append(1))
    assert ticks == [1]


def test_a_disk_that_is_full_is_an_error() -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left"):
            Output(fd).write(b"x\n")
    finally:
        os.close(fd)


def test_an_output_that_someone_made_non_blocking_is_waited_for(pipes: Pipes) -> None:
    os.set_blocking(pipes.writers["stdout"], False)
    size = 1 << 20
    writing = threading.Thread(target=pipes.console.stdout.write, args=(b"x" * size,), daemon=True)
    writing.start()
    found = 0
    while found < size:
        found += len(os.read(pipes.readers["stdout"], 1 << 20))
    writing.join(PATIENCE_S)
    assert found == size
    assert not writing.is_alive()


def test_two_pipes_are_two_places(pipes: Pipes) -> None:
    assert not pipes.console.is_one_place()
    both = Console(pipes.console.stdout, Output(os.dup(pipes.writers["stdout"])))
    try:
        assert both.is_one_place()
    finally:
        os.close(both.stderr.fd)


def test_raw_passes_bytes_unchanged_each_stream_to_its_own(pipes: Pipes) -> None:
    sink = RawConsoleSink(pipes.console)
    sink.write([block(b"out\xff\x1b[31m\n"), block(b"err\n", "stderr"), block(b"open")], tick)
    sink.write([block(b"ed\n")], tick)
    sink.close()
    assert pipes.read("stdout") == b"out\xff\x1b[31m\nopened\n"
    assert pipes.read("stderr") == b"err\n"


def test_stdout_stream_takes_both(pipes: Pipes) -> None:
    sink = open_stdout(StdoutOptions(), Place("web", "stderr", pipes.console))
    sink.write([block(b"out\n"), block(b"err\n", "stderr")], tick)
    sink.close()
    assert pipes.read("stdout") == b"out\nerr\n"


def test_fancy_stdout_prefixes_each_line_in_colour(pipes: Pipes) -> None:
    sink = open_fancy_stdout(FancyStdoutOptions(color="green", time_format="T"), Place("web", "stdout", pipes.console))
    sink.write([block(b"a\nb\n")], tick)
    sink.close()
    assert pipes.read("stdout") == b"\x1b[0;32;40mT [10] | a\x1b[0m\n\x1b[0;32;40mT [10] | b\x1b[0m\n"


def test_fancy_stdout_keeps_a_watchers_colour(pipes: Pipes) -> None:
    outputs = set()
    for _ in range(3):
        sink = open_fancy_stdout(FancyStdoutOptions(time_format="T"), Place("web", "stdout", pipes.console))
        sink.write([block(b"a\n")], tick)
        outputs.add(pipes.read("stdout"))
    assert len(outputs) == 1
