"""Who may do what: the keys that are let in now, and their roles. Pure; asks no file and no socket."""

from __future__ import annotations

from collections.abc import Iterable

from circus_stack.errors import CommandError, Errno
from circus_stack.protocol.command import Command
from circus_stack.protocol.keys import AuthorizedKey
from circus_stack.protocol.roles import Role

_SHOWN = 8


class Authority:
    """The authorised keys, which may be replaced while clients are connected: each message is judged anew."""

    def __init__(self, keys: Iterable[AuthorizedKey] = ()) -> None:
        self._keys = {each.public: each for each in keys}

    def replace(self, keys: Iterable[AuthorizedKey]) -> frozenset[str]:
        """Other keys from now on; the public keys that were let in before and are no longer."""
        before, self._keys = self._keys, {each.public: each for each in keys}
        return frozenset(before.keys() - self._keys.keys())

    def knows(self, public: str) -> bool:
        """Whether a client with this key may come in."""
        return public in self._keys

    def role_of(self, public: str | None) -> Role | None:
        """What a client may do; None for one that may nothing any more.

        A client without a key (None) came by an endpoint that asks for none: whom the mode of its file lets in, or, on
        the loopback interface without keys, every user of this machine.
        """
        if public is None:
            return Role.ADMIN
        key = self._keys.get(public)
        return None if key is None else key.role

    def check(self, command: Command, public: str | None, asked_as: Role | None = None) -> Role:
        """The client's role, or `asked_as` where that is less. Raises CommandError where it may not give this
        command."""
        role = self.role_of(public)
        if role is None:
            raise CommandError("this key is not authorised any more", Errno.NOT_ALLOWED)
        if asked_as is not None and role.covers(asked_as):
            role = asked_as
            if not role.covers(command.role):
                raise CommandError(f"{command.name} needs the role {command.role}, not {role}", Errno.NOT_ALLOWED)
        if not role.covers(command.role):
            raise CommandError(
                f"{command.name} needs the role {command.role}; this key ({self._name(public)}) has {role}",
                Errno.NOT_ALLOWED,
            )
        return role

    def _name(self, public: str | None) -> str:
        key = self._keys.get(public or "")
        return key.name if key is not None and key.name else f"{(public or '')[:_SHOWN]}..."
