"""The directories that stacks of this user live in."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from circus_stack.cli.checkup.finding import Finding, Status
from circus_stack.protocol.rundir import MAX_SOCKET_PATH, runtime_paths, runtime_root, state_directory

_AREA = "directory"
# As long as the id of any stack.
_SOME_ID = "0" * 10


def look_at_places(environ: Mapping[str, str], home: Path, temporary: Path) -> Iterator[Finding]:
    """The runtime directory, where the sockets go, and the state directory, where data outlives a run."""
    root = runtime_root(environ, os.geteuid(), temporary)
    longest = max(len(os.fsencode(path)) for path in runtime_paths(root, _SOME_ID).own_files)
    if longest > MAX_SOCKET_PATH:
        yield Finding(
            _AREA,
            "runtime",
            Status.BROKEN,
            "",
            f"{root} is too long: the path of a unix socket has at most {MAX_SOCKET_PATH} bytes",
            "set XDG_RUNTIME_DIR to a shorter directory",
            is_required=True,
        )
    else:
        yield _private("runtime", root)
    yield _private("state", state_directory(environ, home, _SOME_ID).parent)


def _private(name: str, path: Path) -> Finding:
    """Whether a directory is ours alone, or can be made."""
    if not path.exists():
        above = next(parent for parent in path.parents if parent.exists())
        if os.access(above, os.W_OK | os.X_OK):
            return Finding(_AREA, name, Status.OK, "", f"{path} (made at the first start)", is_required=True)
        mend = f"make it, or let {above} be writable for you"
        return Finding(_AREA, name, Status.BROKEN, "", f"{path} cannot be made in {above}", mend, is_required=True)
    entry = path.stat()
    if not stat.S_ISDIR(entry.st_mode):
        return Finding(_AREA, name, Status.BROKEN, "", f"{path} is not a directory", f"rm {path}", is_required=True)
    if entry.st_uid != os.geteuid():
        detail = f"{path} belongs to user {entry.st_uid}"
        return Finding(_AREA, name, Status.BROKEN, "", detail, f"chown {os.geteuid()} {path}", is_required=True)
    if not os.access(path, os.W_OK | os.X_OK):
        mend = f"chmod u+rwx {path}"
        return Finding(_AREA, name, Status.BROKEN, "", f"{path} is not writable", mend, is_required=True)
    return Finding(_AREA, name, Status.OK, "", str(path), is_required=True)
