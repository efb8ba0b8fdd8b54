"""Which file a watcher's command line executes, and whether it is still the same. Looks, and changes nothing."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct


class CommandFile(Struct, frozen=True):
    """A file by what tells it from another one in its place: its real path, and the identity and age of its content."""

    path: str
    device: int
    inode: int
    modified_ns: int
    size: int


def command_path(cmd: str, working_dir: str | None, search_path: str | None) -> Path | None:
    """The path of the program of a command line, symbolic links and all; None where it cannot be told."""
    try:
        words = shlex.split(cmd)
    except ValueError:
        return None
    if not words:
        return None
    base = Path(working_dir or ".").absolute()
    if "/" in words[0]:
        return base / words[0]
    found = shutil.which(words[0], path=search_path)
    return Path(found).absolute() if found else None


def look_at(path: Path) -> CommandFile | None:
    """What is there now; None while there is no file, as in the middle of an installation."""
    try:
        real = os.path.realpath(path, strict=True)
        status = Path(real).stat()
    except OSError:
        return None
    return CommandFile(real, status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


def directories(path: Path) -> Iterator[Path]:
    """The directories in which something has to happen for the file to become another one.

    These are its own and those of the symbolic links on the way to it; what is not there is left out.
    """
    # As many links as the kernel follows.
    for _ in range(40):
        link = next((each for each in [*reversed(path.parents), path] if each.is_symlink()), None)
        if link is None:
            break
        yield Path(os.path.realpath(link.parent))
        path = Path(os.path.normpath(link.parent / link.readlink() / path.relative_to(link)))
    if path.parent.is_dir():
        yield path.parent
