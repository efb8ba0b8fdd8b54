"""What a start says of the web console: where it is, how to get in the first time, or why there is none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from circus_stack.arbiter.sockets import SocketView
from circus_stack.cli.console_address import console_address
from circus_stack.cli.first_link import first_link
from circus_stack.config.httpd_watcher import NAME
from circus_stack.config.schema import StackConfig
from circus_stack.web.libraries import INSTALL, missing_libraries
from circus_stack.web.settings import DIRECTORY


def console_line(stack: StackConfig, sockets: Iterable[SocketView], state_dir: Path, *, may_link: bool) -> str:
    """The console's address; a link that lets in once, where nobody has a password and `may_link` says that only who
    has started the stack will read it. Empty where none is wanted."""
    view = next((each for each in sockets if each.name == NAME), None)
    if not stack.circus.httpd:
        return ""
    watcher = next((each for each in stack.watchers if each.name == NAME), None)
    if view is None or watcher is None:
        return f"not installed: {INSTALL}" if missing_libraries() else ""
    address = console_address(view.host, view.port, watcher.cmd)
    link = first_link(address, state_dir / DIRECTORY) if may_link else ""
    return link or f"{address}/"
