"""Options that existing files carry although they never worked in Circus: each use is warned of, none is a mistake."""

from __future__ import annotations

from collections.abc import Mapping

from circus_stack.config.document import Entry
from circus_stack.config.problems import Problems

_PLAIN = "has no effect, as in Circus"

CIRCUS: Mapping[str, str] = {
    "httpd_close_outputs": "Circus documents it and does not read it",
    "ssh_server": "Circus takes it through its Python API only; circusctl --ssh goes through a tunnel",
    "statsd_close_outputs": "Circus documents it and does not read it",
    "stream_backend": "Circus documents it and does not read it",
}

WATCHER: Mapping[str, str] = {
    "check_flapping": "flapping is the affair of a plugin, or of max_failures and failure_window",
    "executable": "Circus overwrites it; name the program in cmd",
}


def warn_inert(entry: Entry, section: str, table: Mapping[str, str], problems: Problems) -> bool:
    """Warn and return True if the entry is in the table."""
    reason = table.get(entry.key)
    if reason is None:
        return False
    problems.warn(f"{_PLAIN}: {reason}", entry.where, section=section, option=entry.key)
    return True
