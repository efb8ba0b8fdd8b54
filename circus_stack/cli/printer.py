"""The sink that shows the processes' output to whoever started the stack: each line with its process's name."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

from circus_stack.cli import ansi
from circus_stack.cli.style import DIM, HUES, RED, Style
from circus_stack.streams.block import Block, Origin, StreamName
from circus_stack.streams.joining import prefix_lines
from circus_stack.streams.output import Console, Output
from circus_stack.streams.sink import Tick


class Prefixes:
    """`web.1 | `: as wide as the longest name so far, in the watcher's own colour.

    `watchers` are those known at the start, with their numbers of processes. They take the colours in their order, so
    that neighbours differ; a later one takes its colour from its name. All processes of a watcher have the same one.
    """

    def __init__(self, styles: Mapping[StreamName, Style], watchers: Mapping[str, int]) -> None:
        self._styles = styles
        self._hues = {name: HUES[position % len(HUES)] for position, name in enumerate(watchers)}
        # While a reload rolls there are twice as many slots.
        self._width = max((len(f"{name}.{2 * count}") for name, count in watchers.items()), default=0)
        self._made: dict[tuple[str, int, StreamName], bytes] = {}

    def of(self, origin: Origin) -> bytes:
        """The prefix of each line from `origin`."""
        key = (origin.watcher, origin.wid, origin.stream)
        prefix = self._made.get(key)
        if prefix is None:
            prefix = self._make(origin)
            self._made[key] = prefix
        return prefix

    def _make(self, origin: Origin) -> bytes:
        name = f"{origin.watcher}.{origin.wid}"
        if len(name) > self._width:
            self._width = len(name)
            self._made.clear()
        style = self._styles[origin.stream]
        bar = style.paint("|", *((DIM, RED) if origin.stream == "stderr" else (DIM,)))
        return f"{style.paint(name.ljust(self._width), self._hue(origin.watcher))} {bar} ".encode()

    def _hue(self, watcher: str) -> int:
        return self._hues.get(watcher) or HUES[zlib.crc32(watcher.encode()) % len(HUES)]


class PrefixPrinter:
    """Each line with the name of its process; stdout to stdout, stderr to stderr, our own words as they are."""

    def __init__(self, console: Console, styles: Mapping[StreamName, Style], watchers: Mapping[str, int]) -> None:
        self._outputs: dict[StreamName, Output] = {"stdout": console.stdout, "stderr": console.stderr}
        self._styles = styles
        self._prefixes = Prefixes(styles, watchers)

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        """Each line with its prefix, to the output that its process wrote to."""
        waiting: list[bytes] = []
        stream: StreamName = "stdout"
        for block in blocks:
            if block.origin.stream != stream:
                self._print(stream, waiting, tick)
                waiting, stream = [], block.origin.stream
            waiting.append(self.render(block))
        self._print(stream, waiting, tick)

    def close(self) -> None:
        """The arbiter's own output stays open."""

    def render(self, block: Block) -> bytes:
        """The bytes to print for a block."""
        if block.origin.is_ours:
            return block.data
        prefix = self._prefixes.of(block.origin)
        if not self._styles[block.origin.stream].is_terminal:
            return prefix_lines(block.data, prefix)
        return prefix_lines(_safe(block.data), prefix)

    def _print(self, stream: StreamName, parts: list[bytes], tick: Tick) -> None:
        if parts:
            self._outputs[stream].write(b"".join(parts), tick)


def _safe(data: bytes) -> bytes:
    """`data` without what would steer a terminal; most of it has nothing of the kind and is left alone."""
    text = data.decode("utf-8", "backslashreplace")
    if ansi.is_harmless(text):
        return text.encode()
    return "\n".join(map(ansi.make_safe, text.split("\n"))).encode()
