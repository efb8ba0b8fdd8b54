"""Endpoints as Circus takes them: with an ssh server, through a tunnel that lives as long as its client."""

from __future__ import annotations

from circus_stack.client.tunnel import Tunnel


class Reach:
    """The endpoint to connect to, here or at the near end of a tunnel. Raises CallError where ssh doesn't get there."""

    def __init__(self, endpoint: str, ssh_server: str | None, ssh_keyfile: str | None = None) -> None:
        self._tunnel = Tunnel(ssh_server, endpoint, keyfile=ssh_keyfile) if ssh_server else None
        self.endpoint = self._tunnel.endpoint if self._tunnel else endpoint

    def close(self) -> None:
        """End the tunnel. Safe to call twice."""
        if self._tunnel is not None:
            self._tunnel.close()
