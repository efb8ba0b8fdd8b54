"""One process of a `[program:x]`: its options, read by supervisor's rules and with its defaults, in our words. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from circus_stack.config.document import Entry, Section
from circus_stack.config.kinds import parse_signal
from circus_stack.config.problems import Problems
from circus_stack.literals import parse_bool
from circus_stack.moving.draft import Remark
from circus_stack.moving.supervisor.environment import parse_environment
from circus_stack.moving.supervisor.expansion import expand
from circus_stack.moving.supervisor.logfiles import write_logs
from circus_stack.moving.supervisor.values import parse_exitcodes, parse_restart

T = TypeVar("T")

# Priority of a program that says none; ours is 0, and the highest starts first where supervisor's lowest does.
USUAL_PRIORITY = 999

_CAPTURE = "there is no capture mode: a plugin that follows the logs can look for marks in the output"
_EVENTS = "every line is on the endpoint for logs in any case: circusctl logs -f, or a plugin"
# Options that have no counterpart -> why. Told only where they ask for something.
_REASONS = {
    "stdout_capture_maxbytes": _CAPTURE,
    "stderr_capture_maxbytes": _CAPTURE,
    "stdout_events_enabled": _EVENTS,
    "stderr_events_enabled": _EVENTS,
    "serverurl": "a process finds the arbiter through the program circusctl, not through SUPERVISOR_SERVER_URL",
}
_NOTHING = ("0", "false", "no", "off", "", "auto")
_KNOWN = {
    *("command", "process_name", "numprocs", "numprocs_start", "priority", "autostart", "autorestart", "exitcodes"),
    *("startsecs", "startretries", "stopsignal", "stopwaitsecs", "stopasgroup", "killasgroup", "user", "directory"),
    *("umask", "environment", "redirect_stderr"),
    *(f"{stream}_{name}" for stream in ("stdout", "stderr") for name in ("logfile", "syslog")),
    *(f"{stream}_logfile_{name}" for stream in ("stdout", "stderr") for name in ("maxbytes", "backups")),
}
FCGI = ("socket", "socket_owner", "socket_mode", "socket_backlog")
# Our own delay between two attempts is bounded by this, so that a window of so many of them holds all.
_LONGEST_DELAY_S = 30


class Process(Struct):
    """One process in our words. `environment` has written values; `options` and `remarks` are the section's."""

    name: str
    options: list[tuple[str, str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)


class ProgramReader:
    """Reads the options of one section for one process of it. `values` are what `%(name)s` may name, `common` the
    variables that `[supervisord]` sets, written."""

    def __init__(
        self, section: Section, values: Mapping[str, object], common: Mapping[str, str], problems: Problems
    ) -> None:
        self.section = section
        self._values = values
        self._common = common
        self._environment: dict[str, str] = {}
        self._problems = problems

    def text(self, key: str, default: str = "") -> str:
        """An option, its variables replaced, written for the ini."""
        entry = self.section.find(key)
        if entry is None:
            return default
        known = {**self._common, **self._environment}
        text = expand(entry, self._values, known, self._problems, title=self.section.title)
        if (self.section.title, key) != ("supervisord", "environment"):
            return text
        # supervisor replaces variables here twice, so that files have four % for one.
        again = replace(entry, value=text.replace("%%", "%"))
        return expand(again, self._values, known, self._problems, title=self.section.title)

    def value(self, key: str, parse: Callable[[str], T], default: T, legal: str = "") -> T:
        """An option that is no text."""
        entry = self.section.find(key)
        if entry is None:
            return default
        try:
            return parse(self.text(key))
        except ValueError:
            self._problems.add(
                "is not valid", entry.where, section=self.section.title, option=key, found=entry.value, legal=legal
            )
            return default

    def remark(self, key: str, why: str) -> Remark:
        """A remark on an option; on the section itself where the file doesn't have it."""
        entry = self.section.find(key)
        if entry is None:
            return Remark(self.section.where, f"[{self.section.title}]", why)
        return Remark(entry.where, f"{entry.key} = {entry.value}", why)

    def environment(self) -> dict[str, str]:
        """The program's variables, which its other options may name; read these first."""
        entry = self.section.find("environment")
        if entry is not None:
            self._environment = parse_environment(self.text("environment"), entry, self.section.title, self._problems)
        return self._environment

    def missing(self, key: str) -> None:
        """The section lacks an option that it must have."""
        self._problems.add("is missing", self.section.where, section=self.section.title, option=key)


def read_process(reader: ProgramReader, directory: str, childlogdir: str) -> Process:
    """One process. `directory` is that of supervisord itself, `childlogdir` where it keeps AUTO logs if it says so."""
    process = Process(reader.text("process_name", reader.text("program_name")))
    process.environment = reader.environment()
    _command(reader, process)
    _place(reader, process, directory)
    _life(reader, process)
    _end(reader, process)
    write_logs(reader, process.name, childlogdir, process.options, process.remarks)
    for entry in reader.section.entries:
        _remark_unknown(reader, entry, process)
    return process


def _command(reader: ProgramReader, process: Process) -> None:
    cmd = " ".join(reader.text("command").split("\n")).strip()
    if not cmd:
        reader.missing("command")
    umask = reader.text("umask")
    if umask:
        # The shell sets it and becomes the program: pid and signals are those of the program itself.
        cmd = f"""/bin/sh -c 'umask {shlex.quote(umask)}; exec "$0" "$@"' {cmd}"""
    process.options.append(("cmd", cmd))


def _place(reader: ProgramReader, process: Process, directory: str) -> None:
    chosen = reader.text("directory", directory)
    if chosen:
        process.options.append(("working_dir", str(Path(chosen).expanduser()) if chosen[0] == "~" else chosen))
    user = reader.text("user")
    if user:
        process.options.append(("user", user))


def _life(reader: ProgramReader, process: Process) -> None:
    options = process.options
    if not reader.value("autostart", parse_bool, True):
        options.append(("autostart", "false"))
    restart = reader.value("autorestart", parse_restart, "unexpected", "true, false or unexpected")
    usual: tuple[int, ...] = (0,)
    codes = reader.value("exitcodes", parse_exitcodes, usual, "0,1,...")
    if restart == "false":
        options.append(("respawn", "false"))
    elif restart == "unexpected" and codes:
        options.append(("exit_codes", ", ".join(map(str, codes))))
    starts = reader.value("startsecs", int, 1)
    if starts > 0:
        options.append(("ready", f"delay:{starts}"))
    retries = reader.value("startretries", int, 3)
    options.append(("max_failures", str(retries + 1)))
    window = (retries + 1) * (starts + _LONGEST_DELAY_S)
    if retries > 3:
        options.append(("failure_window", str(window)))


def _end(reader: ProgramReader, process: Process) -> None:
    options = process.options
    signum = reader.text("stopsignal", "TERM")
    reader.value("stopsignal", parse_signal, 15, "TERM, HUP, INT, QUIT, KILL, USR1, USR2")
    if signum.upper().removeprefix("SIG") != "TERM":
        options.append(("stop_signal", signum.upper()))
    options.append(("graceful_timeout", str(reader.value("stopwaitsecs", int, 10))))
    if reader.value("stopasgroup", parse_bool, False):
        options.append(("stop_children", "true"))


def _remark_unknown(reader: ProgramReader, entry: Entry, process: Process) -> None:
    if entry.key in _KNOWN or (reader.section.kind == "fcgi-program" and entry.key in FCGI):
        return
    if entry.key in _REASONS and entry.value.strip().lower() in _NOTHING:
        return
    why = _REASONS.get(entry.key, "supervisor does not know this option either")
    process.remarks.append(reader.remark(entry.key, why))
