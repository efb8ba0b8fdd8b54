"""Writing a file whole, or not at all, in a directory that others may write to as well."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path


def write_atomically(path: Path, data: bytes, mode: int) -> None:
    """Put a new file of these bytes in the place of `path`: a reader sees the old one or the new one. A link that
    stands there is replaced, not followed. `mode` is cut by the umask. Raises OSError, and leaves nothing behind then.
    """
    # A name that nobody can foresee, and never a file that is there already: who may write to the directory could
    # have made a link of it to a file that only we may write.
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(fresh, flags, mode), "wb") as file:
            file.write(data)
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


def rewrite_atomically(path: Path, data: bytes) -> None:
    """Give a file other bytes: a reader sees the old ones or the new ones. Its mode and owner stay, a link is followed.

    Raises OSError, with the file as it was and nothing left behind.
    """
    path = path.resolve(strict=True)
    before = path.stat()
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            file.write(data)
            # Owner first: a change of it takes set-id bits away.
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
