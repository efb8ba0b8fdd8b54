"""Bearer tokens of programs: made by the command line, shown once, kept as digests with their roles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from circus_stack.protocol.roles import Role
from circus_stack.web.access.caller import Caller
from circus_stack.web.access.private_file import PrivateFile
from circus_stack.web.access.secrets import digest, is_same, new_secret

# So that one that was left in a file, or a log, is found by whoever searches for it.
PREFIX = "cst_"


class Token(Struct, frozen=True):
    """`digest` is that of the whole token; `created` is in seconds since the epoch."""

    digest: str
    role: Role
    created: float


class Tokens:
    """The file `tokens.json` of a directory, by the tokens' names."""

    def __init__(self, directory: Path, epoch: Callable[[], float]) -> None:
        self._file = PrivateFile(directory / "tokens.json", Token)
        self._epoch = epoch

    def all(self) -> dict[str, Token]:
        """By name."""
        return self._file.read()

    def add(self, name: str, role: Role) -> str:
        """A new token, which is shown this once. Raises ValueError for a name that is taken, or none."""
        if not name.strip() or not name.isprintable() or len(name) > 100:
            raise ValueError(f"{name!r} is no name of a token; legal: up to 100 printable characters")
        word = PREFIX + new_secret()

        def put(found: dict[str, Token]) -> None:
            if name in found:
                raise ValueError(f"there is a token {name!r} already: remove it first, or take another name")
            found[name] = Token(digest(word), role, self._epoch())

        self._file.change(put)
        return word

    def remove(self, name: str) -> bool:
        """Whether there was one; it lets nobody in from now on."""
        return self._file.change(lambda found: found.pop(name, None) is not None)

    def caller(self, word: str) -> Caller | None:
        """Whose token it is; None for nobody's."""
        given = digest(word)
        for name, token in self._file.read().items():
            if is_same(given, token.digest):
                return Caller(name=name, role=token.role)
        return None
