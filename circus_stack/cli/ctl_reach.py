"""How one call of circusctl reaches an arbiter: on this machine, or through ssh; tunnels are opened once and closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from circus_stack.cli.target import CIRCUS_ENDPOINT, ENDPOINT_VARIABLE, Target, credentials_for, find_target
from circus_stack.client.credentials import Credentials
from circus_stack.errors import CallError

if TYPE_CHECKING:
    from circus_stack.client.tunnel import Tunnel


class Tunnels:
    """The open tunnels of a program, by what they lead to: a shell's commands share one."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Tunnel] = {}

    def through(self, server: str, endpoint: str, keyfile: str | None, timeout_s: float) -> str:
        """The local end of a tunnel to an endpoint. Raises CallError."""
        key = (server, endpoint)
        if key not in self._open:
            # Here, since few go through ssh.
            from circus_stack.client.tunnel import Tunnel

            self._open[key] = Tunnel(server, endpoint, keyfile=keyfile, timeout_s=timeout_s)
        return self._open[key].endpoint

    def close(self) -> None:
        """End all of them. Safe to call twice."""
        while self._open:
            self._open.popitem()[1].close()


class Published(Struct, frozen=True):
    """An endpoint to subscribe at, and what to show there."""

    endpoint: str
    credentials: Credentials | None = None


class Reach(Struct, frozen=True, kw_only=True):
    """Which arbiter is meant, and by which way: the general flags `--endpoint`, `--stack`, `--ssh`, `--ssh_keyfile`,
    `--key`, `--server-key`."""

    environ: Mapping[str, str]
    endpoint: str | None = None
    stack: str | None = None
    ssh: str | None = None
    ssh_keyfile: str | None = None
    key: str | None = None
    server_key: str | None = None
    timeout_s: float = 5.0
    tunnels: Tunnels = field(default_factory=Tunnels)

    def target(self) -> Target:
        """The arbiter's command endpoint. Raises CallError."""
        if self.ssh is None:
            return find_target(
                self.environ, endpoint=self.endpoint, stack=self.stack, key=self.key, server_key=self.server_key
            )
        far = self._named() or CIRCUS_ENDPOINT
        # Whoever is behind the tunnel asks for a key or not, as if we stood there.
        credentials = credentials_for(far, self.environ, self.key, self.server_key)
        return Target(self._tunnel(self.ssh, far), credentials=credentials)

    def events(self) -> Published:
        """Where events are published. Raises CallError. `--endpoint` names it here, as with Circus's `listen`."""
        if self.endpoint is not None:
            target = self.target()
            return Published(target.endpoint, target.credentials)
        return self._published(self.target(), Target.pubsub_endpoint)

    def logs(self) -> Published:
        """Where log lines are published. Raises CallError."""
        return self._published(self.target(), Target.logs_endpoint)

    def statistics(self) -> Published:
        """Where circusd-stats is asked. Raises CallError."""
        return self._published(self.target(), Target.stats_query_endpoint)

    def _published(self, target: Target, endpoint_of: Callable[[Target, float], str]) -> Published:
        endpoint = endpoint_of(target, self.timeout_s)
        credentials = target.credentials if endpoint.startswith("tcp://") else None
        return Published(endpoint if self.ssh is None else self._tunnel(self.ssh, endpoint), credentials)

    def _named(self) -> str | None:
        return self.endpoint or self.environ.get(ENDPOINT_VARIABLE)

    def _tunnel(self, server: str, endpoint: str) -> str:
        if self.stack is not None:
            raise CallError("--stack looks for stacks on this machine: with --ssh name the --endpoint")
        return self.tunnels.through(server, endpoint, self.ssh_keyfile, self.timeout_s)
