"""Where a running stack puts its sockets, its lock and its record, and where clients look for them. Pure paths."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

PROGRAM = "circus-stack"
# Ten hex digits of the hash: enough for the stacks of one user, short enough for the 107 bytes of a socket's path.
_ID_LENGTH = 10
# sun_path of unix(7) holds 108 bytes, the last of them a NUL.
MAX_SOCKET_PATH = 107


class RuntimePaths(Struct, frozen=True):
    """The files of one stack's runtime directory."""

    directory: Path

    @property
    def id(self) -> str:
        """The id of the stack: the name of its directory."""
        return self.directory.name

    @property
    def control(self) -> Path:
        """Socket of the command endpoint."""
        return self.directory / "control"

    @property
    def events(self) -> Path:
        """Socket of the event endpoint."""
        return self.directory / "events"

    @property
    def logs(self) -> Path:
        """Socket of the log endpoint."""
        return self.directory / "logs"

    @property
    def stats(self) -> Path:
        """Socket of the statistics endpoint."""
        return self.directory / "stats"

    @property
    def stats_query(self) -> Path:
        """Socket at which circusd-stats is asked."""
        return self.directory / "stats-query"

    @property
    def notify(self) -> Path:
        """Socket of what processes say the way sd_notify does."""
        return self.directory / "notify"

    @property
    def record(self) -> Path:
        """What clients read to find the stack."""
        return self.directory / "stack.json"

    @property
    def lock(self) -> Path:
        """File whose lock the arbiter holds as long as it lives."""
        return self.directory / "lock"

    @property
    def outliving(self) -> tuple[Path, ...]:
        """Those of circusd-stats, which goes on where the arbiter is killed."""
        return (self.stats, self.stats_query)

    @property
    def own_files(self) -> tuple[Path, ...]:
        """All but the lock: what may go once nobody holds that."""
        return (self.control, self.events, self.logs, *self.outliving, self.notify, self.record)


def endpoint_of(path: Path) -> str:
    """The ZeroMQ address of a socket file. Raises ValueError for a path that a unix socket can't have."""
    length = len(str(path).encode())
    if length > MAX_SOCKET_PATH:
        raise ValueError(
            f"{path} has {length} bytes, the path of a unix socket at most {MAX_SOCKET_PATH}: "
            f"set XDG_RUNTIME_DIR, or runtime_dir in [circus], to a shorter directory"
        )
    return f"ipc://{path}"


def stack_id(source: str) -> str:
    """The short name of a stack: a hash of `file_source` or `app_source`, the same at every start."""
    return hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()[:_ID_LENGTH]


def file_source(real_path: Path) -> str:
    """The source of a stack that is read from a file; links must have been resolved."""
    return str(real_path)


def app_source(spec: str, directory: Path) -> str:
    """The source of a stack without a file: the application and the directory that it is served from."""
    return f"app:{spec}@{directory}"


def runtime_root(environ: Mapping[str, str], uid: int, temporary: Path) -> Path:
    """The directory that holds the runtime directories of one user's stacks."""
    return runtime_roots(environ, uid, temporary)[0]


def runtime_roots(environ: Mapping[str, str], uid: int, temporary: Path) -> tuple[Path, ...]:
    """All places where stacks of this user may be: one that was started without XDG_RUNTIME_DIR must be found, too."""
    found = [temporary / f"{PROGRAM}-{uid}"]
    xdg = environ.get("XDG_RUNTIME_DIR", "")
    if xdg.startswith("/"):
        found.insert(0, Path(xdg) / PROGRAM)
    made = _made_by_systemd(environ.get("RUNTIME_DIRECTORY", ""))
    if made is not None:
        found.insert(0, made)
    return tuple(found)


def _made_by_systemd(text: str) -> Path | None:
    """The first of the directories that systemd made for the service, if it is one that our unit asks for."""
    first = Path(text.partition(":")[0])
    return first if first.is_absolute() and first.parent.name == PROGRAM else None


def runtime_paths(root: Path, id: str) -> RuntimePaths:
    """The runtime directory of one stack."""
    return RuntimePaths(root / id)


def state_directory(environ: Mapping[str, str], home: Path, id: str) -> Path:
    """Where a stack keeps what outlives a run, unless `state_dir` says otherwise."""
    made = _made_by_systemd(environ.get("STATE_DIRECTORY", ""))
    if made is not None:
        return made / id
    xdg = environ.get("XDG_STATE_HOME", "")
    base = Path(xdg) if xdg.startswith("/") else home / ".local" / "state"
    return base / PROGRAM / id
