"""The directory of keys: the arbiter's own key pair, and the list of the clients that may come in. Only reads.

Whoever can write there can let himself in, and whoever can read the arbiter's key can stand in its place: a directory
or a file that is open to others is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from circus_stack.config.schema import CircusConfig
from circus_stack.config.values import Location
from circus_stack.errors import ConfigError, Problem
from circus_stack.protocol.keys import AuthorizedKey, KeyFile, parse_authorized, parse_key_file

OWN_KEY, AUTHORIZED = "server.key", "authorized_keys"
# A list of keys is some lines long; anything else is a mistake.
_MAX_FILE = 1024 * 1024


class Keyring(Struct, frozen=True):
    """What a directory of keys holds."""

    own: KeyFile
    authorized: tuple[AuthorizedKey, ...]


def keys_directory(circus: CircusConfig) -> Path | None:
    """The directory that the configuration names, if it does."""
    return Path(circus.keys_dir).expanduser().absolute() if circus.keys_dir else None


def check_keys(circus: CircusConfig) -> list[Problem]:
    """What is wrong with the keys that a configuration names."""
    try:
        directory = keys_directory(circus)
        if directory is not None:
            read_keyring(directory, circus.where.get("keys_dir", Location()))
    except ConfigError as error:
        return list(error.problems)
    return []


def read_keyring(directory: Path, where: Location | None = None) -> Keyring:
    """The keys of a directory; `where` is the option that names it. Raises ConfigError."""
    place = where or Location()
    problems = [
        Problem(message, file=place.file, line=place.line, section="circus", option="keys_dir", found=str(directory))
        for message in _openness(directory)
    ]
    if problems:
        raise ConfigError(problems)
    own = _read_own(directory / OWN_KEY)
    return Keyring(own, _read_authorized(directory / AUTHORIZED))


def _read_own(path: Path) -> KeyFile:
    try:
        return parse_key_file(_text(path))
    except ValueError as error:
        raise ConfigError(
            [Problem(f"is no key of a server: {error}; {_how_to_make(path.parent)}", str(path))]
        ) from None


def _read_authorized(path: Path) -> tuple[AuthorizedKey, ...]:
    # Without the list nobody may come in; that may be meant.
    keys, mistakes = parse_authorized(_text(path) if path.exists() else "")
    if mistakes:
        raise ConfigError([Problem(each.message, str(path), each.line, legal=each.legal) for each in mistakes])
    return keys


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE).decode()
    except OSError as error:
        raise ConfigError([Problem(f"cannot be read: {error.strerror}", str(path))]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem("is not text", str(path))]) from None


def _openness(directory: Path) -> Iterator[str]:
    """Why the directory cannot be trusted, or used."""
    if not (directory / OWN_KEY).exists():
        yield f"holds no {OWN_KEY}: {_how_to_make(directory)}"
        return
    for path, open_bits in ((directory, 0o022), (directory / OWN_KEY, 0o077), (directory / AUTHORIZED, 0o022)):
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_uid not in (os.geteuid(), 0):
            yield f"{path} belongs to user {status.st_uid}, who could put other keys there"
        elif status.st_mode & open_bits:
            done = "read" if open_bits & 0o044 else "write to"
            yield f"others can {done} {path}: chmod go-rwx {path}"


def _how_to_make(directory: Path) -> str:
    return f"circus-stack keygen server --dir {directory} makes one"
