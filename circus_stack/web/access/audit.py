"""A line for each action: who, from where, what, and what came of it. It goes to the log, which the arbiter keeps."""

from __future__ import annotations

import json
import logging
from typing import Any

log = logging.getLogger("circus_stack.audit")

DETAIL_KEY = "circus_stack.audit_detail"
"""Where a WSGI environ has what was tried, for the line of its request."""

# Of what a client has sent; the rest tells nothing more.
_LONGEST = 200


def note(action: str, *, who: str, address: str, status: int, detail: str = "") -> None:
    """`action` is `METHOD path` or a word; `detail` what it was done to. Nothing secret may be in either."""
    fields = {"action": action, "who": who, "from": address, "status": status, "detail": detail}
    # As JSON of plain ASCII: no name and no path can begin another line, look like another field, or tell a terminal
    # anything, as U+009B would.
    line = {key: each[:_LONGEST] if isinstance(each, str) else each for key, each in fields.items() if each != ""}
    log.info("audit %s", json.dumps(line, separators=(",", ":")))


def tell(environ: dict[str, Any], detail: str) -> None:
    """What a request does beside what its path says; nothing secret may be in it."""
    environ[DETAIL_KEY] = detail
