"""The sink of `--log-format json`: one JSON object a line. Imported only where asked for, since it costs time."""

from __future__ import annotations

from collections.abc import Sequence

from circus_stack.streams.block import Block
from circus_stack.streams.json_lines import encode_block
from circus_stack.streams.output import Console
from circus_stack.streams.sink import Tick


class JsonPrinter:
    """One JSON object a line on stdout, whichever stream it came from; our own words, JSON already, go to stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        """An object a line to stdout; our own words, which are objects already, to stderr."""
        for block in blocks:
            if block.origin.is_ours:
                self._console.stderr.write(block.data, tick)
            else:
                self._console.stdout.write(self.render(block), tick)

    def close(self) -> None:
        """The arbiter's own output stays open."""

    def render(self, block: Block) -> bytes:
        """The bytes to print for a block."""
        return encode_block(block)
