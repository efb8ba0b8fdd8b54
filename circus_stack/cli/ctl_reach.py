"""How one call of circusctl reaches an arbiter: on this machine, or through ssh; tunnels are opened once and closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from circus_stack.cli.target import CIRCUS_ENDPOINT, ENDPOINT_VARIABLE, Target, find_target
from circus_stack.client.tunnel import Tunnel
from circus_stack.errors import CallError


class Tunnels:
    """The open tunnels of a program, by what they lead to: a shell's commands share one."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Tunnel] = {}

    def through(self, server: str, endpoint: str, keyfile: str | None, timeout_s: float) -> str:
        """The local end of a tunnel to an endpoint. Raises CallError."""
        key = (server, endpoint)
        if key not in self._open:
            self._open[key] = Tunnel(server, endpoint, keyfile=keyfile, timeout_s=timeout_s)
        return self._open[key].endpoint

    def close(self) -> None:
        """End all of them. Safe to call twice."""
        while self._open:
            self._open.popitem()[1].close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which arbiter is meant, and by which way: the general flags `--endpoint`, `--stack`, `--ssh`, `--ssh_keyfile`."""

    environ: Mapping[str, str]
    endpoint: str | None = None
    stack: str | None = None
    ssh: str | None = None
    ssh_keyfile: str | None = None
    timeout_s: float = 5.0
    tunnels: Tunnels = field(default_factory=Tunnels)

    def target(self) -> Target:
        """The arbiter's command endpoint. Raises CallError."""
        if self.ssh is None:
            return find_target(self.environ, endpoint=self.endpoint, stack=self.stack)
        return Target(self._tunnel(self.ssh, self._named() or CIRCUS_ENDPOINT))

    def events_endpoint(self) -> str:
        """Where events are published. Raises CallError. `--endpoint` names it here, as with Circus's `listen`."""
        if self.endpoint is None:
            return self._published(self.target().pubsub_endpoint(self.timeout_s))
        if self.ssh is not None:
            return self._tunnel(self.ssh, self.endpoint)
        return find_target(self.environ, endpoint=self.endpoint).endpoint

    def logs_endpoint(self) -> str:
        """Where log lines are published. Raises CallError."""
        return self._published(self.target().logs_endpoint(self.timeout_s))

    def _published(self, endpoint: str) -> str:
        return endpoint if self.ssh is None else self._tunnel(self.ssh, endpoint)

    def _named(self) -> str | None:
        return self.endpoint or self.environ.get(ENDPOINT_VARIABLE)

    def _tunnel(self, server: str, endpoint: str) -> str:
        if self.stack is not None:
            raise CallError("--stack looks for stacks on this machine: with --ssh name the --endpoint")
        return self.tunnels.through(server, endpoint, self.ssh_keyfile, self.timeout_s)
