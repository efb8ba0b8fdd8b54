"""Reading small files that hold secrets: bounded, and never a device or a pipe that would wait for somebody."""

from __future__ import annotations

import errno
import os
import stat

from msgspec import Struct

# Of an environment a kernel takes some megabytes in all; a secret is far smaller.
MOST_BYTES = 256 * 1024
_OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH


class SecretFile(Struct, frozen=True):
    """What is in it, kept out of every repr; `is_open` tells whether group or others may read or write it."""

    data: bytes
    is_open: bool

    def __repr__(self) -> str:
        return f"SecretFile({len(self.data)} bytes, is_open={self.is_open})"


def read_secret(path: str) -> SecretFile:
    """The whole file, links followed; raises OSError, also for what is no regular file, or is too large."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", path)
        with os.fdopen(fd, "rb", closefd=False) as file:
            data = file.read(MOST_BYTES + 1)
    finally:
        os.close(fd)
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {MOST_BYTES // 1024} KiB", path)
    return SecretFile(data, bool(found.st_mode & _OTHERS))
