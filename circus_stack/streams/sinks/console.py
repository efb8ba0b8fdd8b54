"""Sinks that write to the arbiter's own stdout and stderr."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from circus_stack.config import kinds
from circus_stack.config.option import Change, option
from circus_stack.streams.block import Block
from circus_stack.streams.joining import Join, RawJoiner, joiner, prefix_lines, prefix_of
from circus_stack.streams.output import Console, Output
from circus_stack.streams.place import Place
from circus_stack.streams.sink import Tick

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "white": 37}


@dataclass(frozen=True, slots=True, kw_only=True)
class StdoutOptions:
    """Options of StdoutStream; Circus has none."""

    time_format: str = option(
        "", kinds.TEXT, "Prefix each line with the time in this strftime form and with the pid.", change=Change.APPLY
    )
    pid: bool = option(False, kinds.BOOL, "Prefix each line with the pid.", change=Change.APPLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class FancyStdoutOptions:
    """Options of FancyStdoutStream."""

    color: str = option(
        "", kinds.choice(*_COLOURS), "Colour of the lines; without it each watcher keeps one.", change=Change.APPLY
    )
    time_format: str = option("%Y-%m-%d %H:%M:%S", kinds.TEXT, "Form of the time (strftime).", change=Change.APPLY)


class RawConsoleSink:
    """Bytes unchanged: stdout to stdout, stderr to stderr, each line whole."""

    def __init__(self, console: Console) -> None:
        self._sinks = {"stdout": _RawOutput(console.stdout), "stderr": _RawOutput(console.stderr)}

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        """Each block to the output that its process wrote to."""
        for stream, run in runs_of_one_stream(blocks):
            self._sinks[stream].write(run, tick)

    def close(self) -> None:
        """The arbiter's own output stays open."""


class _RawOutput:
    """One output and what stands unfinished on it."""

    def __init__(self, output: Output, join: Join | None = None) -> None:
        self._output = output
        self._join = join or RawJoiner().join

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        """The blocks as they are, a line that was cut off ended before another begins."""
        self._output.write(self._join(blocks), tick)


class StdoutSink:
    """Both streams to stdout, the bytes unchanged but for a prefix that was asked for."""

    def __init__(self, output: Output, join: Join) -> None:
        self._raw = _RawOutput(output, join)

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        """The blocks in their order."""
        self._raw.write(blocks, tick)

    def close(self) -> None:
        """The arbiter's own output stays open."""


class FancyStdoutSink:
    """`<time> [<pid>] | ` before each line, all of it in a colour on black, as Circus paints it; both streams to
    stdout."""

    def __init__(self, output: Output, color: str, time_format: str) -> None:
        self._output = output
        self._escape = f"\x1b[0;{_COLOURS[color]};40m"
        self._time_format = time_format

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        """Each line with time and pid of its own process."""
        self._output.write(b"".join(map(self._paint, blocks)), tick)

    def close(self) -> None:
        """The arbiter's own output stays open."""

    def _paint(self, block: Block) -> bytes:
        prefix = f"{self._escape}{prefix_of(block, self._time_format)}"
        return prefix_lines(block.data, prefix.encode(), b"\x1b[0m")


def runs_of_one_stream(blocks: Sequence[Block]) -> list[tuple[str, list[Block]]]:
    """`blocks` in their order, neighbours of the same stream together."""
    runs: list[tuple[str, list[Block]]] = []
    for block in blocks:
        if not runs or runs[-1][0] != block.origin.stream:
            runs.append((block.origin.stream, []))
        runs[-1][1].append(block)
    return runs


def open_stdout(options: StdoutOptions, place: Place) -> StdoutSink:
    """StdoutStream."""
    return StdoutSink(place.console.stdout, joiner(options.time_format, with_pid=options.pid))


def open_fancy_stdout(options: FancyStdoutOptions, place: Place) -> FancyStdoutSink:
    """FancyStdoutStream. Circus takes a colour by chance; here a watcher keeps its own over restarts."""
    colour = options.color or list(_COLOURS)[zlib.crc32(place.watcher.encode()) % len(_COLOURS)]
    return FancyStdoutSink(place.console.stdout, colour, options.time_format)
