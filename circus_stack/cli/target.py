"""Which arbiter a command is for: an endpoint that was named, a stack that was named, or the one that runs here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from circus_stack.client.call import TIMEOUT_S
from circus_stack.client.credentials import Credentials, credentials_of
from circus_stack.client.discovery import FoundStack, NoStackError, Search, choose, find_stacks
from circus_stack.client.reach import is_reachable, seen_from_here
from circus_stack.client.stats.whereabouts import NO_STATS
from circus_stack.client.sync import Client
from circus_stack.errors import CallError

ENDPOINT_VARIABLE = "CIRCUSCTL_ENDPOINT"
# Circus's default ports.
CIRCUS_ENDPOINT = "tcp://127.0.0.1:5555"


class Target(Struct, frozen=True):
    """An arbiter's endpoints. `stack` is what discovery found; None for an endpoint that was named. `credentials` are
    what this client shows there: a stack that was found has an endpoint for this user's programs, without keys."""

    endpoint: str
    stack: FoundStack | None = None
    credentials: Credentials | None = None

    def client(self, timeout_s: float = TIMEOUT_S) -> Client:
        """A connection to the command endpoint. Raises CallError."""
        return Client(self.endpoint, timeout_s=timeout_s, credentials=self.credentials)

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

    def stats_query_endpoint(self, timeout_s: float) -> str:
        """Where circusd-stats is asked, likewise. Raises CallError where it doesn't run."""
        if self.stack is None:
            return self._ask("stats_query_endpoint", timeout_s, NO_STATS)
        if not self.stack.record.stats_query_endpoint:
            raise CallError(f"the stack {self.stack.record.name or self.stack.record.id} has no history: {NO_STATS}")
        return self.stack.record.stats_query_endpoint

    def _ask(self, option: str, timeout_s: float, hint: str = "") -> str:
        with self.client(timeout_s) as client:
            options = client.call("globaloptions")["options"]
        if not options.get(option):
            raise CallError(f"the arbiter at {self.endpoint} has no {option}" + (f": {hint}" if hint else ""))
        return self.seen_from_here(str(options[option]))

    def seen_from_here(self, published: str) -> str:
        """An address that means all of the arbiter's interfaces, at the one that we reach it by."""
        return seen_from_here(published, self.endpoint)


def find_target(
    environ: Mapping[str, str],
    *,
    endpoint: str | None = None,
    stack: str | None = None,
    key: str | None = None,
    server_key: str | None = None,
    search: Callable[[Mapping[str, str]], Search] = find_stacks,
    reachable: Callable[[str], bool] = is_reachable,
) -> Target:
    """The arbiter that is meant. Raises CallError: nobody listens there, no stack runs, or more than one.

    In this order: `endpoint`, `stack`, the variable CIRCUSCTL_ENDPOINT, the only running stack, Circus's own port.
    `key` and `server_key` are for a TCP endpoint; see `credentials_of`.
    """
    named = endpoint or (None if stack else environ.get(ENDPOINT_VARIABLE))
    if named:
        target = _named(named, "" if endpoint else f" (from {ENDPOINT_VARIABLE})", reachable)
        return replace(target, credentials=credentials_for(target.endpoint, environ, key, server_key))
    try:
        found = choose(search(environ), stack)
    except NoStackError as error:
        if stack is None and reachable(CIRCUS_ENDPOINT):
            return Target(CIRCUS_ENDPOINT, credentials=credentials_for(CIRCUS_ENDPOINT, environ, key, server_key))
        hint = "" if stack else f", and nobody listens at {CIRCUS_ENDPOINT}"
        raise NoStackError(f"{error}{hint}") from None
    return Target(found.record.endpoint, found)


def credentials_for(
    endpoint: str, environ: Mapping[str, str], key: str | None, server_key: str | None
) -> Credentials | None:
    """What to show at an endpoint; the file of an ipc endpoint asks for no key. Raises CallError."""
    return credentials_of(environ, key, server_key) if endpoint.startswith("tcp://") else None


def _named(endpoint: str, origin: str, reachable: Callable[[str], bool]) -> Target:
    if not endpoint.startswith(("tcp://", "ipc://", "inproc://")):
        raise CallError(f"{endpoint!r}{origin} is no endpoint: write it as {CIRCUS_ENDPOINT} or ipc://PATH")
    if not reachable(endpoint):
        raise CallError(f"nobody listens at {endpoint}{origin}")
    return Target(endpoint)
