"""The link by which the first one logs in to a console, before anybody has a password."""

from __future__ import annotations

import time
from pathlib import Path

from circus_stack.errors import CircusStackError
from circus_stack.protocol.roles import Role


def first_link(address: str, directory: Path) -> str:
    """A link to the console at that address, whose files are in `directory`; it lets in once, as admin. Empty where
    somebody has a password: who has one needs no link."""
    from circus_stack.web.access.login_links import LoginLinks, link_address
    from circus_stack.web.access.users import Users

    try:
        if Users(directory).names():
            return ""
        return link_address(address, LoginLinks(directory, time.time).make(Role.ADMIN))
    except CircusStackError:
        # The console itself will tell what is wrong with its files, with its log to do it in.
        return ""
