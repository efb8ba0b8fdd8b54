"""Reads the text of a configuration file: the one place of this package that touches the file system."""

from __future__ import annotations

import os
from pathlib import Path

from circus_stack.config.problems import Problems
from circus_stack.config.values import Location

# A configuration of more than this is a log file or a database that was named by mistake.
_MAX_BYTES = 4 * 1024 * 1024


def read_text(path: Path, problems: Problems) -> str | None:
    """The text of a file, or None after its one mistake was added: missing, a directory, unreadable, not UTF-8."""
    here = Location(str(path))
    try:
        if not path.is_file():
            problems.add(_what_is_wrong(path), here)
            return None
        if path.stat().st_size > _MAX_BYTES:
            problems.add(f"is larger than {_MAX_BYTES} bytes: not a configuration", here)
            return None
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        problems.add(f"cannot be read: {reason}", here)
        return None
    return _decode(raw, str(path), problems)


def _what_is_wrong(path: Path) -> str:
    if path.is_dir():
        return "is a directory, not a file"
    if path.exists():
        return "is not a regular file"
    if not path.parent.is_dir():
        return f"does not exist, nor does the directory {path.parent}"
    return "does not exist"


def _decode(raw: bytes, path: str, problems: Problems) -> str | None:
    if raw.startswith(b"\xef\xbb\xbf"):
        problems.add(
            "starts with a byte order mark, which no parser of ini files takes; save it without", Location(path, 1)
        )
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.add(f"is not UTF-8: byte 0x{raw[error.start]:02x}", Location(path, line))
        return None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        problems.add("holds a NUL character: not a text file", Location(path, line))
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")
