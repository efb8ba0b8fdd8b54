"""`[supervisord]`: what it says about all programs, and what it says about supervisord itself. Pure."""

from __future__ import annotations

from pathlib import Path

from circus_stack.config.document import Section
from circus_stack.config.problems import Problems
from circus_stack.literals import parse_bool
from circus_stack.moving.draft import Draft, Remark
from circus_stack.moving.supervisor.program import ProgramReader
from circus_stack.moving.supervisor.programs import Surroundings
from circus_stack.moving.variables import write_environment

# supervisord's own mask where none is given, and the number of files that it makes sure of.
_USUAL_UMASK, _USUAL_MINFDS = "022", 1024
_LEVELS = {
    "critical": "critical",
    "error": "error",
    "warn": "warning",
    "info": "info",
    "debug": "debug",
    "trace": "debug",
    "blather": "debug",
}
_LOG = "circus-stack serve says what it does on stderr; the programs' own logs are not touched by it"
_REASONS = {
    "logfile": _LOG,
    "logfile_maxbytes": _LOG,
    "logfile_backups": _LOG,
    "silent": _LOG,
    "user": "start circus-stack serve as that user; a watcher has its own option user",
    "minprocs": "the limit that it is started with holds: rlimit_nproc of a watcher sets another",
    "nocleanup": "there are no AUTO log files to clean up",
    "strip_ansi": "logs keep what was written; circusctl logs takes colours out where it writes to a pipe",
}
_HANDLED = {
    "nodaemon",
    "pidfile",
    "identifier",
    "loglevel",
    "umask",
    "environment",
    "directory",
    "childlogdir",
    "minfds",
}


def translate_daemon(section: Section, draft: Draft, problems: Problems) -> Surroundings:
    """Write `[circus]` and `[env]`; what the programs need of it is returned."""
    reader = ProgramReader(section, {}, {}, problems)
    circus = draft.section("circus")
    if reader.text("identifier"):
        circus.add("name", reader.text("identifier"))
    if reader.text("pidfile"):
        circus.add("pidfile", reader.text("pidfile"))
    level = _LEVELS.get(reader.text("loglevel", "info").strip().lower())
    if level not in (None, "info"):
        circus.add("loglevel", str(level))
    stays = reader.value("nodaemon", parse_bool, False)
    if stays:
        for key in ("umask", "directory"):
            if reader.text(key):
                why = "supervisord does it only where it goes into the background, and with nodaemon it stays"
                circus.remarks.append(reader.remark(key, why))
    else:
        circus.add("umask", reader.text("umask", _USUAL_UMASK))
        why = "supervisord goes into the background; circus-stack serve stays, unless it is started with --daemon"
        circus.remarks.append(reader.remark("nodaemon", why))
    for entry in section.entries:
        if entry.key not in _HANDLED:
            why = _REASONS.get(entry.key, "supervisor does not know this option either")
            circus.remarks.append(Remark(entry.where, f"{entry.key} = {entry.value}", why))
    environment = reader.environment()
    write_environment(draft, circus, "", {name: value for name, value in environment.items() if "$" not in value})
    for name in (name for name, value in environment.items() if "$" in value):
        why = f"[env] would replace the $NAME in {name}: set it in each watcher's env"
        circus.remarks.append(reader.remark("environment", why))
    minfds = reader.value("minfds", int, _USUAL_MINFDS)
    if minfds > _USUAL_MINFDS:
        why = (
            "the arbiter raises its own limit by itself; each watcher gets this one, also where the machine's is higher"
        )
        circus.remarks.append(reader.remark("minfds", why))
    return Surroundings(
        environment,
        "" if stays else _directory(reader.text("directory")),
        _directory(reader.text("childlogdir")).rstrip("/"),
        minfds if minfds > _USUAL_MINFDS else 0,
    )


def _directory(text: str) -> str:
    return str(Path(text).expanduser()) if text.startswith("~") else text
