"""Prints log lines for people and for programs: with the name of the process, plain where nobody looks, or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO, Protocol, cast

from msgspec import structs

from circus_stack.cli import ansi
from circus_stack.cli.printer import Prefixes
from circus_stack.cli.style import Style
from circus_stack.client.loglines import LogRecord
from circus_stack.protocol.codec import encode
from circus_stack.streams.block import Origin, StreamName


class LogView(Protocol):
    """Shows lines as they come."""

    def show(self, records: Iterable[LogRecord]) -> None:
        """Print them, and let them be seen at once."""


class TextView:
    """As `serve` prints them: each line with the name of its process, on a terminal in that one's colour.

    The colours of a program's own output are kept where there are colours, and taken out for a pipe.
    """

    def __init__(self, out: BinaryIO, style: Style, counts: Mapping[str, int], complain: Callable[[str], None]) -> None:
        self._out = out
        self._style = style
        self._prefixes = Prefixes({"stdout": style, "stderr": style}, counts)
        self._complain = complain

    def show(self, records: Iterable[LogRecord]) -> None:
        """A line each."""
        for record in records:
            if record.is_after_gap:
                self._out.flush()
                self._complain("lines are missing here: they came faster than they could be shown")
            self._out.write(self._render(record))
        self._out.flush()

    def _render(self, record: LogRecord) -> bytes:
        origin = Origin(record.watcher, record.wid, record.pid, cast("StreamName", record.stream))
        text = record.text if self._style.has_colour else ansi.without_colours(record.text)
        text = ansi.make_safe(text) if self._style.is_terminal else text
        prefix = self._prefixes.of(origin) if record.watcher else b""
        return prefix + text.encode() + b"\n"


class JsonView:
    """An object a line, with the fields of a line in the reply to `logs`, and `is_after_gap`."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def show(self, records: Iterable[LogRecord]) -> None:
        """An object each."""
        for record in records:
            fields = structs.asdict(record)
            fields["data"] = fields.pop("text")
            self._out.write(encode(fields) + b"\n")
        self._out.flush()
