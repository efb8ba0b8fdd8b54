"""All that lets somebody in, of one console: one object to hand around, on the files of one directory."""

from __future__ import annotations

import secrets as chance
import time
from pathlib import Path

from msgspec import Struct

from circus_stack.web.access.attempts import Attempts
from circus_stack.web.access.login_links import LoginLinks
from circus_stack.web.access.private_file import PrivateFile
from circus_stack.web.access.sessions import Sessions
from circus_stack.web.access.tokens import Tokens
from circus_stack.web.access.users import Users


class Doors(Struct, frozen=True):
    """Who may come in, and who is in."""

    users: Users
    links: LoginLinks
    tokens: Tokens
    sessions: Sessions
    attempts: Attempts


def open_doors(directory: Path) -> Doors:
    """The files of a directory, which are made when something is to be kept. Raises CircusStackError where they are
    not what they should be."""
    return Doors(
        users=Users(directory),
        links=LoginLinks(directory, time.time),
        tokens=Tokens(directory, time.time),
        sessions=Sessions(directory, _signing_key(directory), time.time),
        attempts=Attempts(time.monotonic),
    )


def _signing_key(directory: Path) -> str:
    """Made once; whoever takes the file away ends all sessions."""

    def make(found: dict[str, str]) -> str:
        return found.setdefault("cookies", chance.token_hex(32))

    file = PrivateFile(directory / "signing-key.json", str)
    return str(file.read().get("cookies") or file.change(make))
