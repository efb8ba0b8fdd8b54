"""Which program a configuration file was written for. Pure."""

from __future__ import annotations

import re

KINDS = ("supervisor", "procfile", "gunicorn")

_SUPERVISOR = re.compile(
    r"^\[(supervisord|supervisorctl|(program|group|eventlistener|fcgi-program):[^\]]+)\]", re.MULTILINE
)
_PROCFILE_LINE = re.compile(r"[A-Za-z0-9_-]+:\s*\S.*")


def guess_kind(name: str, text: str) -> str | None:
    """One of KINDS, by the name of the file where that says it, else by the text; None where neither does."""
    if name.endswith(".py"):
        return "gunicorn"
    if name.lower().startswith("procfile"):
        return "procfile"
    if _SUPERVISOR.search(text):
        return "supervisor"
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if lines and all(_PROCFILE_LINE.fullmatch(line) for line in lines):
        return "procfile"
    return None
