"""Who sent a request: a person in a session, or a program with a token. Data only."""

from __future__ import annotations

from msgspec import Struct

from circus_stack.protocol.roles import Role

ENVIRON_KEY = "circus_stack.caller"
"""Where a WSGI environ has the Caller; nothing stands there for who is not known."""


class Caller(Struct, frozen=True, kw_only=True):
    """`name` is a user's, or a token's. `session` is the key of the session, empty for a token."""

    name: str
    role: Role
    session: str = ""

    @property
    def is_program(self) -> bool:
        """Whether it is no browser's: then nothing can be sent in its name without its knowledge."""
        return not self.session
