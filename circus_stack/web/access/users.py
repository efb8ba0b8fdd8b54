"""Users with their passwords and roles, in a file of the state directory. argon2id, at the library's own cost."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from circus_stack.protocol.roles import Role
from circus_stack.web.access.private_file import PrivateFile
from circus_stack.web.access.secrets import new_secret

if TYPE_CHECKING:
    from argon2 import PasswordHasher

FIRST_USER = "admin"
"""Who is meant where no user is named."""

LEAST_LENGTH = 10
# argon2 reads all of it: more is only a way to keep a processor busy.
MOST_LENGTH = 1024


class User(Struct, frozen=True):
    """`hash` is argon2's own text, with its salt and its cost."""

    hash: str
    role: Role


class Users:
    """The file `users.json` of a directory."""

    def __init__(self, directory: Path) -> None:
        self._file = PrivateFile(directory / "users.json", User)

    def names(self) -> dict[str, Role]:
        """Who has a password, with the role."""
        return {name: user.role for name, user in self._file.read().items()}

    def set_password(self, name: str, password: str, role: Role) -> None:
        """Add a user, or change one. Raises ValueError for a password or name that is none."""
        check_password(password)
        if not name.strip() or not name.isprintable() or len(name) > 100:
            raise ValueError(f"{name!r} is no name of a user; legal: up to 100 printable characters")
        user = User(_hasher().hash(password), role)

        def put(found: dict[str, User]) -> None:
            found[name] = user

        self._file.change(put)

    def remove(self, name: str) -> bool:
        """Whether there was one."""
        return self._file.change(lambda found: found.pop(name, None) is not None)

    def verify(self, name: str, password: str) -> Role | None:
        """The user's role, None for a wrong password; it takes as long where there is no such user."""
        from argon2.exceptions import InvalidHashError, VerificationError

        user = self._file.read().get(name)
        hasher = _hasher()
        try:
            hasher.verify(_hash_of_nobody() if user is None else user.hash, password[: MOST_LENGTH + 1])
        except (VerificationError, InvalidHashError):
            return None
        return None if user is None else user.role


def check_password(password: str) -> None:
    """Raise ValueError for one that is too short or too long."""
    if not LEAST_LENGTH <= len(password) <= MOST_LENGTH:
        raise ValueError(f"a password has {LEAST_LENGTH} to {MOST_LENGTH} characters; this one has {len(password)}")


def _hasher() -> PasswordHasher:
    # Imported late: the command line often asks only whether somebody has a password.
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _hash_of_nobody() -> str:
    """Of a random word, with the same cost as all others."""
    return _hasher().hash(new_secret())
