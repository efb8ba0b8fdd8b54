"""Opening files in a directory that another user may write to: a link that he made leads nowhere."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
# As many as the kernel follows.
_LINKS = 40


def open_to_append(path: Path) -> int:
    """The file descriptor of a file that is appended to, made if it isn't there. Raises OSError.

    A log directory often belongs to the user of the workers, while the arbiter is root: a link of his would have us
    write into any file. So a link at the end of `path` is followed where it is ours or root's, or where it leads to a
    file of him who made it. The directories above are the operator's choice.
    """
    for _ in range(_LINKS):
        try:
            return os.open(path, _APPEND | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
        found = _read_link(path)
        if found is None:
            continue
        owner, target = found
        if owner not in (0, os.geteuid()):
            return _open_for(owner, path, target)
        if path.parts[1:2] == ("proc",):
            # /dev/stdout ends at a link whose text is no path.
            return os.open(path, _APPEND, 0o666)
        path = target
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def open_regular(path: Path) -> int:
    """The file descriptor of a regular file that is read; no link is followed, no FIFO waited for. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def is_regular(path: Path) -> bool:
    """Whether a file stands there, and no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def create(path: Path) -> int:
    """The file descriptor of a new file that only we may read and write. Raises OSError where anything is there."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _read_link(path: Path) -> tuple[int, Path] | None:
    """Whose link it is and where it leads: of one and the same link, whoever puts another in its place meanwhile. None
    where it is none any more."""
    link = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(link)
        if not stat.S_ISLNK(status.st_mode):
            return None
        return status.st_uid, path.parent / os.readlink("", dir_fd=link)
    finally:
        os.close(link)


def _open_for(owner: int, link: Path, target: Path) -> int:
    """Through a link of another user's: only to a file of his own, which has to be there."""
    fd = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    if os.fstat(fd).st_uid == owner:
        os.set_blocking(fd, True)
        return fd
    os.close(fd)
    raise OSError(
        errno.EPERM,
        f"is a link of user {owner} to a file that isn't his; make the link as root, or name {target}",
        str(link),
    )
