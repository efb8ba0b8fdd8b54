"""A line for each action: who, from where, what, and what came of it. It goes to the log, which the arbiter keeps."""

from __future__ import annotations

import logging

import msgspec

log = logging.getLogger("circus_stack.audit")

DETAIL_KEY = "circus_stack.audit_detail"
"""Where a WSGI environ has what was tried, for the line of its request; nothing secret may stand there."""

# Of what a client has sent; the rest tells nothing more.
_LONGEST = 200


def note(action: str, *, who: str, address: str, status: int, detail: str = "") -> None:
    """`action` is `METHOD path` or a word; `detail` what it was done to. Nothing secret may be in either."""
    fields = {"action": action, "who": who, "from": address, "status": status, "detail": detail}
    # As JSON: no name and no path can begin another line, or look like another field.
    line = {key: each[:_LONGEST] if isinstance(each, str) else each for key, each in fields.items() if each != ""}
    log.info("audit %s", msgspec.json.encode(line).decode())
