"""SyslogStream: each line a message to a syslog daemon, RFC 5424 or RFC 3164, by /dev/log, UDP or TCP."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from circus_stack.config import kinds
from circus_stack.config.option import Change, Kind, option
from circus_stack.streams.block import Block
from circus_stack.streams.place import Place
from circus_stack.streams.sinks.message_sink import MessageSink, Writer
from circus_stack.streams.sinks.wire import Wire, WireAddress

# RFC 5424, 6.2.1.
_FACILITY_NAMES = ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"]
_FACILITIES = {name: number for number, name in enumerate(_FACILITY_NAMES)} | {f"local{n}": 16 + n for n in range(8)}
LEVELS = {"emerg": 0, "alert": 1, "crit": 2, "err": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}
_PORT = 514
# What rsyslog takes without being told (maxMessageSize 8k), less the header.
_MAX_MESSAGE = 7 * 1024


def _parse_address(text: str) -> WireAddress:
    text = text.strip()
    path = text.removeprefix("unix://").removeprefix("unix:")
    if path.startswith("/"):
        return WireAddress("unix", path)
    parts = urlsplit(text)
    if parts.scheme not in ("udp", "tcp") or not parts.hostname or parts.path.strip("/"):
        raise ValueError("no address")
    return WireAddress(parts.scheme, host=parts.hostname, port=parts.port or _PORT)


ADDRESS = Kind("syslog address", _parse_address, "/dev/log, unix:PATH, udp://HOST:PORT or tcp://HOST:PORT (port 514)")
LEVEL = kinds.choice(*LEVELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogOptions:
    """Options of SyslogStream."""

    address: WireAddress = option(WireAddress("unix", "/dev/log"), ADDRESS, "Where the daemon is.", change=Change.APPLY)
    facility: str = option("daemon", kinds.choice(*_FACILITIES), "Facility of the messages.", change=Change.APPLY)
    level: str | None = option(
        None, LEVEL, "Level of the messages; info for stdout and err for stderr.", change=Change.APPLY
    )
    format: str | None = option(
        None,
        kinds.choice("rfc3164", "rfc5424"),
        "Form of the messages; rfc3164 on a unix socket and else rfc5424.",
        change=Change.APPLY,
    )
    ident: str = option("", kinds.TEXT, "Name of the program in the messages; the watcher's.", change=Change.APPLY)


def level_of(level: str | None, block: Block) -> int:
    """The number of a level; that of the stream where none was chosen."""
    return LEVELS[level or ("err" if block.origin.stream == "stderr" else "info")]


class Rfc5424:
    """`<30>1 2026-11-22T14:03:01.250+01:00 host web 4711 stdout - text`; on TCP each behind its length (RFC 6587)."""

    max_message = _MAX_MESSAGE

    def __init__(self, facility: int, level: str | None, ident: str, host: str) -> None:
        self._facility = facility
        self._level = level
        self._ident = _printable(ident, 48)
        self._host = _printable(host, 255)

    def head(self, block: Block) -> bytes:
        """All but the text."""
        priority = 8 * self._facility + level_of(self._level, block)
        moment = datetime.fromtimestamp(block.time).astimezone().isoformat(timespec="milliseconds")
        origin = block.origin
        return f"<{priority}>1 {moment} {self._host} {self._ident} {origin.pid} {origin.stream} - ".encode()

    def message(self, head: bytes, line: bytes) -> bytes:
        """One message."""
        return head + line

    def framed(self, message: bytes) -> bytes:
        """Its length, a blank, the message."""
        return b"%d %s" % (len(message), message)


class Rfc3164:
    """`<30>Nov 22 14:03:01 host web[4711]: text`, without the host on a unix socket, as the C library writes it; on a
    stream each ends with a newline."""

    max_message = _MAX_MESSAGE

    def __init__(self, facility: int, level: str | None, ident: str, host: str) -> None:
        self._facility = facility
        self._level = level
        self._ident = re.sub(r"[:\[\]]", "_", _printable(ident, 48))
        self._host = f"{_printable(host, 255)} " if host else ""

    def head(self, block: Block) -> bytes:
        """All but the text."""
        priority = 8 * self._facility + level_of(self._level, block)
        moment = datetime.fromtimestamp(block.time)
        # In English whatever the locale, and the day with a blank before a single digit.
        day = f"{_MONTHS[moment.month - 1]} {moment.day:2} {moment:%H:%M:%S}"
        return f"<{priority}>{day} {self._host}{self._ident}[{block.origin.pid}]: ".encode()

    def message(self, head: bytes, line: bytes) -> bytes:
        """One message."""
        return head + line

    def framed(self, message: bytes) -> bytes:
        """With a newline after it."""
        return message + b"\n"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _printable(text: str, length: int) -> str:
    """What a field of a header may hold: no blanks, ASCII only."""
    return re.sub(r"[^!-~]", "_", text)[:length] or "-"


def open_syslog(options: SyslogOptions, place: Place) -> MessageSink:
    """SyslogStream."""
    return MessageSink(Wire(options.address), writer_of(options, place.watcher, socket.gethostname()))


def writer_of(options: SyslogOptions, watcher: str, host: str) -> Writer:
    """The form of the messages."""
    is_local = options.address.kind == "unix"
    form = options.format or ("rfc3164" if is_local else "rfc5424")
    facility, ident = _FACILITIES[options.facility], options.ident or watcher
    if form == "rfc5424":
        return Rfc5424(facility, options.level, ident, host)
    return Rfc3164(facility, options.level, ident, "" if is_local else host)
