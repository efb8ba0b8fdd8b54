"""Where a program's stdout and stderr go: supervisor's log files, syslog and standard files as our streams. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from circus_stack.literals import parse_bool
from circus_stack.moving.draft import Remark
from circus_stack.moving.supervisor.values import AUTO, NONE, SYSLOG, parse_logfile, parse_size

T = TypeVar("T")

_STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
_STDERR = ("/dev/stderr", "/dev/fd/2", "/proc/self/fd/2")
# What supervisor writes where nothing else is said.
_USUAL_SIZE, _USUAL_BACKUPS = 50 << 20, 10
_LEGAL_SIZE = "a number of bytes, or with KB, MB or GB"

Options = list[tuple[str, str]]


class Reader(Protocol):
    """What this module asks the reader of a program for."""

    def text(self, key: str, default: str = "") -> str: ...
    def value(self, key: str, parse: Callable[[str], T], default: T, legal: str = "") -> T: ...
    def remark(self, key: str, why: str) -> Remark: ...


def write_logs(reader: Reader, name: str, childlogdir: str, options: Options, remarks: list[Remark]) -> None:
    """Add the stream options of both outputs; with `redirect_stderr` stderr goes where stdout does."""
    stdout = _stream(reader, "stdout", name, childlogdir, remarks)
    is_redirected = reader.value("redirect_stderr", parse_bool, False)
    stderr = stdout if is_redirected else _stream(reader, "stderr", name, childlogdir, remarks)
    for stream, found in (("stdout", stdout), ("stderr", stderr)):
        if found == [("closed", "")]:
            options.append((f"close_child_{stream}", "true"))
        else:
            options += [(f"{stream}_stream.{key}", value) for key, value in found]


def _stream(reader: Reader, stream: str, name: str, childlogdir: str, remarks: list[Remark]) -> Options:
    key = f"{stream}_logfile"
    target = reader.value(key, parse_logfile, AUTO)
    if reader.value(f"{stream}_syslog", parse_bool, False) or target == SYSLOG:
        if target not in (SYSLOG, AUTO, NONE):
            why = "one output has one place: it goes to syslog, and not to this file, too"
            remarks.append(reader.remark(key, why))
        return [("class", "SyslogStream"), ("facility", "user")]
    if target == NONE:
        return [("closed", "")]
    if target in _STDOUT:
        return [("class", "StdoutStream")]
    if target in _STDERR:
        # Where the output of a watcher without a stream goes: the arbiter's own, each line under its process's name.
        if stream == "stdout":
            remarks.append(reader.remark(key, "stdout is shown on the arbiter's stdout, line by line, with a name"))
        return []
    if target == AUTO and not childlogdir:
        return []
    filename = f"{childlogdir}/{name}-{stream}.log" if target == AUTO else target
    return [("class", "FileStream"), ("filename", filename), *_rotation(reader, key, remarks)]


def _rotation(reader: Reader, key: str, remarks: list[Remark]) -> Options:
    size = reader.value(f"{key}_maxbytes", parse_size, _USUAL_SIZE, _LEGAL_SIZE)
    backups = reader.value(f"{key}_backups", int, _USUAL_BACKUPS)
    if size <= 0:
        return []
    if backups <= 0:
        why = "a full file is kept as one backup rather than thrown away"
        remarks.append(reader.remark(f"{key}_backups", why))
        backups = 1
    return [("max_bytes", str(size)), ("backup_count", str(backups))]
