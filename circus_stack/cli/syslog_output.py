"""`logoutput = syslog://HOST:PORT?FACILITY` or `syslog:///PATH?FACILITY`, as Circus writes it."""

from __future__ import annotations

import logging
import os
import sys
from logging.handlers import SYSLOG_UDP_PORT, SysLogHandler
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from circus_stack.errors import CircusStackError, ConfigError, Problem

SCHEME = "syslog://"
_FACILITY = "user"


class SyslogAddress(Struct, frozen=True):
    """A daemon's UDP port or unix socket, and the facility of what is sent."""

    address: tuple[str, int] | str
    facility: str


def parse_syslog(url: str) -> SyslogAddress:
    """The address that a URL names. Raises ConfigError. Pure."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong(url, str(error)) from None
    facility = parts.query or _FACILITY
    if facility not in SysLogHandler.facility_names:
        raise _wrong(url, f"{facility!r} is no facility; there are {', '.join(sorted(SysLogHandler.facility_names))}")
    if host:
        return SyslogAddress((host, port or SYSLOG_UDP_PORT), facility)
    if not parts.path.startswith("/"):
        raise _wrong(url, "write it as syslog://HOST:PORT?FACILITY or syslog:///PATH?FACILITY")
    return SyslogAddress(parts.path, facility)


class _SyslogHandler(SysLogHandler):
    """Connects again by itself once the daemon is back."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A daemon that is away needs no traceback on stderr for each message."""
        del record


def open_syslog(url: str) -> logging.Handler:
    """A handler that sends `circusd[PID] [LEVEL] text` to the daemon. Raises ConfigError or CircusStackError."""
    found = parse_syslog(url)
    try:
        handler = _SyslogHandler(found.address, facility=found.facility)
    except OSError as error:
        raise CircusStackError(f"cannot reach the syslog daemon of {url}: {error.strerror or error}") from None
    if isinstance(found.address, str) and not Path(found.address).is_socket():
        # It may be started later: then messages arrive from there on.
        sys.stderr.write(f"circusd: warning: no syslog daemon listens at {found.address} yet\n")
    handler.setFormatter(logging.Formatter(f"circusd[{os.getpid()}]: [%(levelname)s] %(message)s"))
    return handler


def _wrong(url: str, text: str) -> ConfigError:
    return ConfigError([Problem(f"{url!r} is no address of a syslog daemon: {text}", option="logoutput")])
