"""Which arbiter a command is for: an endpoint that was named, a stack that was named, or the one that runs here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from circus_stack.client.discovery import FoundStack, NoStackError, Search, choose, find_stacks
from circus_stack.client.reach import is_reachable
from circus_stack.client.sync import Client
from circus_stack.errors import CallError

ENDPOINT_VARIABLE = "CIRCUSCTL_ENDPOINT"
# Circus's default ports.
CIRCUS_ENDPOINT = "tcp://127.0.0.1:5555"


@dataclass(frozen=True, slots=True)
class Target:
    """An arbiter's endpoints. `stack` is what discovery found; None for an endpoint that was named."""

    endpoint: str
    stack: FoundStack | None = None

    def pubsub_endpoint(self, timeout_s: float) -> str:
        """Where events are published: known from discovery, or asked for. Raises CallError."""
        if self.stack is not None:
            return self.stack.record.pubsub_endpoint
        return self._ask("pubsub_endpoint", timeout_s)

    def logs_endpoint(self, timeout_s: float) -> str:
        """Where log lines are published, likewise."""
        if self.stack is not None:
            return self.stack.record.logs_endpoint
        return self._ask("logs_endpoint", timeout_s)

    def _ask(self, option: str, timeout_s: float) -> str:
        with Client(self.endpoint, timeout_s=timeout_s) as client:
            options = client.call("globaloptions")["options"]
        if not options.get(option):
            raise CallError(f"the arbiter at {self.endpoint} has no {option}")
        return str(options[option])


def find_target(
    environ: Mapping[str, str],
    *,
    endpoint: str | None = None,
    stack: str | None = None,
    search: Callable[[Mapping[str, str]], Search] = find_stacks,
    reachable: Callable[[str], bool] = is_reachable,
) -> Target:
    """The arbiter that is meant. Raises CallError: nobody listens there, no stack runs, or more than one.

    In this order: `endpoint`, `stack`, the variable CIRCUSCTL_ENDPOINT, the only running stack, Circus's own port.
    """
    named = endpoint or (None if stack else environ.get(ENDPOINT_VARIABLE))
    if named:
        return _named(named, "" if endpoint else f" (from {ENDPOINT_VARIABLE})", reachable)
    try:
        found = choose(search(environ), stack)
    except NoStackError as error:
        if stack is None and reachable(CIRCUS_ENDPOINT):
            return Target(CIRCUS_ENDPOINT)
        hint = "" if stack else f", and nobody listens at {CIRCUS_ENDPOINT}"
        raise NoStackError(f"{error}{hint}") from None
    return Target(found.record.endpoint, found)


def _named(endpoint: str, origin: str, reachable: Callable[[str], bool]) -> Target:
    if not endpoint.startswith(("tcp://", "ipc://", "inproc://")):
        raise CallError(f"{endpoint!r}{origin} is no endpoint: write it as {CIRCUS_ENDPOINT} or ipc://PATH")
    if not reachable(endpoint):
        raise CallError(f"nobody listens at {endpoint}{origin}")
    return Target(endpoint)
