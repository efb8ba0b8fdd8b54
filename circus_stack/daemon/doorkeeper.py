"""Who is let in at the endpoints of one run: its keys, the guard before each endpoint, and the keys read again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from circus_stack.config.schema import CircusConfig
from circus_stack.control.authority import Authority
from circus_stack.control.guard import Guard, is_guarded
from circus_stack.control.keyring import Keyring, keys_directory, read_keyring
from circus_stack.control.zap import Authenticator
from circus_stack.daemon.aside import aside
from circus_stack.errors import CircusStackError
from circus_stack.protocol.rundir import endpoint_of


def near_endpoint(circus: CircusConfig, endpoint: str, beside: Path) -> str:
    """Where programs of this user connect to: with keys, the private socket `beside` a TCP endpoint."""
    return endpoint_of(beside) if circus.keys_dir and is_guarded(endpoint) else endpoint


class Doorkeeper:
    """Without `keys_dir` there is neither guard nor authenticator."""

    def __init__(self, loop: asyncio.AbstractEventLoop, context: zmq.Context[Any], circus: CircusConfig) -> None:
        self._directory = keys_directory(circus)
        self._authenticator: Authenticator | None = None
        self._keyring: Keyring | None = None
        self.authority = Authority()
        # Told of the keys that count no more.
        self.on_revoked: list[Callable[[frozenset[str]], None]] = []
        if self._directory is not None:
            self._keyring = read_keyring(self._directory, circus.where.get("keys_dir"))
            self.authority.replace(self._keyring.authorized)
            self._authenticator = Authenticator(loop, context, self.authority)

    def guard(self, beside: Path) -> Guard | None:
        """What stands before an endpoint that has the private socket `beside`. Raises CircusStackError."""
        if self._keyring is None:
            return None
        try:
            return Guard(self._keyring.own.secret, endpoint_of(beside))
        except ValueError as error:
            raise CircusStackError(str(error)) from None

    async def reread(self) -> None:
        """Let in from now on whom the list names now; who is connected stays so. Raises ConfigError, with nothing
        changed. Another key of the arbiter's own counts from the next start on."""
        if self._directory is not None:
            directory = self._directory
            keyring = await aside("reading the keys", lambda: read_keyring(directory))
            gone = self.authority.replace(keyring.authorized)
            for hang_up in self.on_revoked if gone else ():
                hang_up(gone)

    def close(self) -> None:
        """To be called when the endpoints are closed."""
        if self._authenticator is not None:
            self._authenticator.close()
