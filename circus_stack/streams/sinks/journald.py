"""JournaldStream: each line an entry of systemd's journal, in its native protocol."""

from __future__ import annotations

from dataclasses import dataclass

from circus_stack.config import kinds
from circus_stack.config.option import Change, option
from circus_stack.streams.block import Block
from circus_stack.streams.place import Place
from circus_stack.streams.sinks.message_sink import MessageSink
from circus_stack.streams.sinks.syslog import LEVEL, level_of
from circus_stack.streams.sinks.wire import Wire, WireAddress

_SOCKET = "/run/systemd/journal/socket"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournaldOptions:
    """Options of JournaldStream."""

    path: str = option(_SOCKET, kinds.TEXT, "The journal's socket.", change=Change.APPLY)
    level: str | None = option(
        None, LEVEL, "Priority of the entries; info for stdout and err for stderr.", change=Change.APPLY
    )
    ident: str = option("", kinds.TEXT, "SYSLOG_IDENTIFIER of the entries; the watcher's name.", change=Change.APPLY)


class JournalEntry:
    """`MESSAGE`, `PRIORITY`, `SYSLOG_IDENTIFIER`, `SYSLOG_PID`, and the process as `CIRCUS_WATCHER`, `CIRCUS_WID` and
    `CIRCUS_STREAM`; `OBJECT_PID` has the journal look up more of it, since `_PID` is the arbiter's."""

    # What journald itself takes for a line of a service's stdout (LineMax=48K).
    max_message = 48 * 1024

    def __init__(self, level: str | None, ident: str) -> None:
        self._level = level
        self._ident = ident

    def head(self, block: Block) -> bytes:
        """All fields but the text."""
        origin = block.origin
        fields = {
            "PRIORITY": str(level_of(self._level, block)),
            "SYSLOG_IDENTIFIER": self._ident,
            "SYSLOG_PID": str(origin.pid),
            "OBJECT_PID": str(origin.pid),
            "CIRCUS_WATCHER": origin.watcher,
            "CIRCUS_WID": str(origin.wid),
            "CIRCUS_STREAM": origin.stream,
        }
        return b"".join(_field(name.encode(), value.encode("utf-8", "replace")) for name, value in fields.items())

    def message(self, head: bytes, line: bytes) -> bytes:
        """One entry."""
        return head + _field(b"MESSAGE", line)

    def framed(self, message: bytes) -> bytes:
        """The journal's socket takes datagrams; nothing stands between them."""
        return message


def _field(name: bytes, value: bytes) -> bytes:
    """With the length where the value has newlines in it."""
    if b"\n" not in value:
        return name + b"=" + value + b"\n"
    return name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


def open_journald(options: JournaldOptions, place: Place) -> MessageSink:
    """JournaldStream."""
    return MessageSink(
        Wire(WireAddress("unix", options.path)), JournalEntry(options.level, options.ident or place.watcher)
    )
