"""The stacks of this user that run now, and whether each answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from circus_stack import __version__
from circus_stack.cli.checkup.finding import Finding, Status
from circus_stack.errors import CircusStackError

if TYPE_CHECKING:
    from circus_stack.client.discovery import FoundStack

_TIMEOUT_S = 2.0


def look_at_stacks(environ: Mapping[str, str]) -> Iterator[Finding]:
    """A finding a stack; none where none runs. One that doesn't answer is no fault of the machine."""
    try:
        from circus_stack.client.discovery import find_stacks
    except ImportError:
        # A library is broken, which another finding says.
        return
    for stack in find_stacks(environ).stacks:
        yield _ask(stack)
    yield from _orphans(environ)


def _orphans(environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        from circus_stack.daemon.adoption.orphans import find_orphans
    except ImportError:
        return
    for each in find_orphans(environ, Path.home()):
        mend = "circus-stack serve FILE adopts them, circus-stack stop --orphans ends them"
        yield Finding("stack", Path(each.source).stem, Status.BROKEN, "", str(each), mend)


def _ask(stack: FoundStack) -> Finding:
    from circus_stack.client.sync import Client

    record = stack.record
    name, detail = record.name or record.id, f"pid {record.pid}, {record.source}"
    try:
        with Client(record.endpoint, timeout_s=_TIMEOUT_S) as client:
            keeper = client.call("globaloptions")["options"].get("fd_keeper_pid")
    except (CircusStackError, ImportError) as error:
        mend = f"kill {record.pid}, if it stays so"
        return Finding("stack", name, Status.BROKEN, record.version, f"{detail}: {error}", mend)
    if keeper is not None:
        detail += f", fd keeper {keeper}"
    if record.version and record.version != __version__:
        detail += f"; it runs {record.version}, installed is {__version__}"
        return Finding("stack", name, Status.HINT, record.version, detail, "start it again to run the new version")
    return Finding("stack", name, Status.OK, record.version, detail)
