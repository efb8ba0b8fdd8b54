"""Puts together what a program of ours prints through: the lanes of its stdout and stderr, and its own words."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from circus_stack.cli.printer import PrefixPrinter
from circus_stack.cli.style import PLAIN, Style, style_of
from circus_stack.streams.block import Block, Origin, StreamName
from circus_stack.streams.lane import Lane
from circus_stack.streams.output import Console
from circus_stack.streams.sink import Sink
from circus_stack.streams.sinks.console import RawConsoleSink


class Terminal:
    """`stdout` and `stderr` are for the processes' output, `own` for ours; all three may be the same lane.

    Nothing here blocks: a terminal that stands still (Ctrl-S) blocks a lane's thread only.
    """

    def __init__(self, *, stdout: Lane, stderr: Lane, own: Lane, style: Style, is_json: bool = False) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.own = own
        self.style = style
        self.is_json = is_json
        self._origin = Origin("", 0, os.getpid(), "stderr")

    def with_own(self, own: Lane) -> Terminal:
        """The same with another place for our own words, where colours mean nothing."""
        return Terminal(stdout=self.stdout, stderr=self.stderr, own=own, style=PLAIN)

    def say(self, text: str) -> None:
        """Print lines of our own on stderr, as they are."""
        if text:
            data = text.encode("utf-8", "backslashreplace")
            self.own.put(Block(self._origin, time.time(), data if data.endswith(b"\n") else data + b"\n"))

    def flush(self, timeout_s: float) -> bool:
        """Print what waits, and go on; False where the terminal took nothing for `timeout_s` seconds. Blocks."""
        return all(lane.wait_written(timeout_s) for lane in {self.stdout, self.stderr, self.own})

    def close(self, timeout_s: float = 2.0) -> bool:
        """Print what waits; False where the terminal took nothing for `timeout_s` seconds. For the very end: blocks."""
        lanes = {self.stdout, self.stderr, self.own}
        for lane in lanes:
            lane.close()
        is_complete = True
        for lane in lanes:
            is_complete = lane.wait_closed(timeout_s) and is_complete
        return is_complete


def open_prefixed(
    environ: Mapping[str, str], watchers: Mapping[str, int] | None = None, console: Console | None = None
) -> Terminal:
    """For `serve`: each line with the name of its process; `watchers` in their order, with numbers of processes."""
    console = console or Console.of_process()
    style = style_of(console.stderr.fd, environ)
    styles: dict[StreamName, Style] = {"stdout": style_of(console.stdout.fd, environ), "stderr": style}
    return _two_lanes(lambda: PrefixPrinter(console, styles, watchers or {}), console, style)


def open_json(console: Console | None = None) -> Terminal:
    """For `serve --log-format json`: the processes' lines on stdout, our own on stderr."""
    from circus_stack.cli.json_printer import JsonPrinter

    console = console or Console.of_process()
    stdout = Lane(JsonPrinter(console), name="stdout")
    stderr = stdout if console.is_one_place() else Lane(JsonPrinter(console), name="stderr")
    return Terminal(stdout=stdout, stderr=stdout, own=stderr, style=PLAIN, is_json=True)


def open_raw(environ: Mapping[str, str], console: Console | None = None) -> Terminal:
    """For `circusd`: bytes as they come."""
    console = console or Console.of_process()
    return _two_lanes(lambda: RawConsoleSink(console), console, style_of(console.stderr.fd, environ))


def _two_lanes(make_sink: Callable[[], Sink], console: Console, style: Style) -> Terminal:
    """One lane where both outputs are one place, to keep the order between them; else neither holds up the other."""
    stdout = Lane(make_sink(), name="stdout")
    stderr = stdout if console.is_one_place() else Lane(make_sink(), name="stderr")
    return Terminal(stdout=stdout, stderr=stderr, own=stderr, style=style)
