"""Where the statistics of a stack are: told by its record, or by its arbiter. Asks nobody but the file system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from circus_stack.client.credentials import Credentials
from circus_stack.client.discovery import FoundStack, choose, find_stacks
from circus_stack.client.reach import seen_from_here
from circus_stack.errors import CallError

NO_STATS = "circusd-stats doesn't run (statsd = true in [circus])"


class Whereabouts(Struct, frozen=True, kw_only=True):
    """`stats` is where figures are published, `query` where snapshots and history are asked for; empty where there is
    none, as Circus has no `query`. `credentials` are shown at both."""

    stats: str = ""
    query: str = ""
    credentials: Credentials | None = None

    def stats_or_refuse(self) -> str:
        """The endpoint of the channel. Raises CallError where there is none."""
        if not self.stats:
            raise CallError(f"no figures: {NO_STATS}")
        return self.stats

    def query_or_refuse(self) -> str:
        """The endpoint for questions. Raises CallError where there is none."""
        if not self.query:
            raise CallError(f"nobody to ask for a snapshot or a history: {NO_STATS}, or it is Circus's own")
        return self.query


def whereabouts_found(environ: Mapping[str, str], stack: str | None) -> Whereabouts:
    """Those of the running stack of this user, or of the one that is called `stack`. Raises CallError where there is
    none, or where there are several."""
    return whereabouts_of(choose(find_stacks(environ), stack))


def whereabouts_of(stack: FoundStack) -> Whereabouts:
    """Those of a stack of this user on this machine, which ask for no key."""
    return Whereabouts(stats=stack.record.stats_endpoint, query=stack.record.stats_query_endpoint)


def whereabouts_told(options: Mapping[str, Any], asked: str, credentials: Credentials | None = None) -> Whereabouts:
    """Those in an arbiter's reply to `globaloptions`, which was asked at the endpoint `asked`."""

    def told(name: str) -> str:
        return seen_from_here(str(options.get(name) or ""), asked)

    return Whereabouts(stats=told("stats_endpoint"), query=told("stats_query_endpoint"), credentials=credentials)
