"""Which stacks of this user run on this machine, and which of them is meant."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from circus_stack.client.liveness import is_alive, remove_if_dead
from circus_stack.errors import CallError
from circus_stack.protocol.record import StackRecord, parse_record
from circus_stack.protocol.rundir import PROGRAM, RuntimePaths, runtime_roots

# Where systemd makes the runtime directory of each unit that `circus-stack export systemd` has written.
_SERVICES = Path("/run") / PROGRAM


class FoundStack(Struct, frozen=True):
    """A running stack: what it says of itself, and where its runtime directory is."""

    record: StackRecord
    paths: RuntimePaths

    def __str__(self) -> str:
        record = self.record
        return f"{record.name or record.id}  {record.id}  pid {record.pid}  {record.source}"


class Search(Struct, frozen=True):
    """The stacks that were found, and the directories that were looked into."""

    stacks: tuple[FoundStack, ...]
    places: tuple[Path, ...]


class NoStackError(CallError):
    """No running stack was found, or none of that name."""


class ManyStacksError(CallError):
    """Several stacks run, and it was not said which is meant."""


def find_stacks(environ: Mapping[str, str], *, uid: int | None = None, temporary: Path | None = None) -> Search:
    """All stacks of a user (this one) that run, by name. What a killed stack left behind is removed on the way."""
    owner = os.geteuid() if uid is None else uid
    roots = runtime_roots(environ, owner, temporary or _temporary(environ))
    roots = tuple(dict.fromkeys([*roots, *sorted(each for each in _SERVICES.glob("*") if _belongs_to(each, owner))]))
    found = [stack for root in roots for stack in _stacks_in(root, owner)]
    return Search(tuple(sorted(found, key=str)), roots)


def _temporary(environ: Mapping[str, str]) -> Path:
    """Where temporary files stand by `environ`, which may be of another program than this one."""
    named = environ.get("TMPDIR")
    return Path(named) if named and Path(named).is_dir() else Path(tempfile.gettempdir())


def _stacks_in(root: Path, owner: int) -> Iterator[FoundStack]:
    # Another user's directory under our name is a trap: whoever connects to its sockets talks to that user.
    if not _belongs_to(root, owner):
        return
    for directory in sorted(root.iterdir()):
        if not _belongs_to(directory, owner):
            continue
        stack = read_stack(RuntimePaths(directory))
        if stack is not None:
            yield stack


def _belongs_to(directory: Path, owner: int) -> bool:
    try:
        return directory.is_dir() and directory.lstat().st_uid == owner
    except OSError:
        return False


def read_stack(paths: RuntimePaths) -> FoundStack | None:
    """The stack that runs in a runtime directory, if one does and is already to be reached."""
    if not is_alive(paths):
        remove_if_dead(paths)
        return None
    try:
        return FoundStack(parse_record(paths.record.read_bytes()), paths)
    except (OSError, ValueError):
        # It is just starting, or just ending.
        return None


def choose(search: Search, wanted: str | None) -> FoundStack:
    """The stack that is meant: the only one, or that of a name, an id, an ini file or a runtime directory.

    Raises NoStackError or ManyStacksError, which list what there is.
    """
    if wanted is not None:
        matching = [stack for stack in search.stacks if wanted in _names(stack)] or _by_path(search.stacks, wanted)
        return _single(matching, f"no running stack is called {wanted!r}", search)
    return _single(search.stacks, "no running stack was found", search)


def _names(stack: FoundStack) -> tuple[str, ...]:
    return stack.record.name, stack.record.id, stack.record.source


def _by_path(stacks: Sequence[FoundStack], wanted: str) -> list[FoundStack]:
    path = str(Path(wanted).resolve())
    return [stack for stack in stacks if path in (stack.record.source, str(stack.paths.directory))]


def _single(stacks: Sequence[FoundStack], missing: str, search: Search) -> FoundStack:
    if len(stacks) == 1:
        return stacks[0]
    if stacks:
        raise ManyStacksError(f"several stacks run: say which with --stack NAME, ID or INI\n{_listing(stacks)}")
    if search.stacks:
        raise NoStackError(f"{missing}; there are\n{_listing(search.stacks)}")
    looked = ", ".join(str(place) for place in search.places)
    raise NoStackError(f"{missing} (looked in {looked})")


def _listing(stacks: Sequence[FoundStack]) -> str:
    return "\n".join(f"  {stack}" for stack in stacks)
