"""Links that let a person in once, without a password: made by whoever may write the state directory, printed on a
terminal, used up by the first browser that comes with one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from circus_stack.protocol.roles import Role
from circus_stack.web.access.private_file import PrivateFile
from circus_stack.web.access.secrets import digest, new_secret

LIFETIME_S = 900.0
# Of those that nobody has used; the oldest go first.
_MOST = 20


class _Link(Struct, frozen=True):
    role: Role
    expires: float


class LoginLinks:
    """The file `login-links.json` of a directory. `epoch` tells the time, in seconds since the epoch."""

    def __init__(self, directory: Path, epoch: Callable[[], float]) -> None:
        self._file = PrivateFile(directory / "login-links.json", _Link)
        self._epoch = epoch

    def make(self, role: Role) -> str:
        """The word of a new link; it is good for LIFETIME_S seconds."""
        word = new_secret()

        def put(found: dict[str, _Link]) -> None:
            self._drop_expired(found)
            while len(found) >= _MOST:
                del found[min(found, key=lambda key: found[key].expires)]
            found[digest(word)] = _Link(role, self._epoch() + LIFETIME_S)

        self._file.change(put)
        return word

    def take(self, word: str) -> Role | None:
        """The role that a link gives, and never again; None for one that is none, or is no more."""
        if digest(word) not in self._file.read():
            return None

        def pop(found: dict[str, _Link]) -> Role | None:
            self._drop_expired(found)
            link = found.pop(digest(word), None)
            return None if link is None else link.role

        return self._file.change(pop)

    def _drop_expired(self, found: dict[str, _Link]) -> None:
        now = self._epoch()
        for key in [key for key, link in found.items() if link.expires <= now]:
            del found[key]


def link_address(base: str, word: str) -> str:
    """What to open in a browser. The word stands behind #, so that no proxy or server log ever has it."""
    return f"{base.rstrip('/')}/#/login?link={word}"
