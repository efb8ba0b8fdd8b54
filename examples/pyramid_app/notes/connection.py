"""The way to Redis: one pool a process, how long to wait for it, and what may be tried twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import redis
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry

T = TypeVar("T")

# Redis answers in well under a millisecond: after two seconds it is hung, and a page is due.
TIMEOUT_S = 2.0
# Long enough for a supervisor to bring Redis back after a crash, short enough for nobody to mind.
RETRY_PAUSE_S = 0.15


# redis-py refuses the 101st by itself, which a gevent worker with as many visitors at the same time needs.
_UNBOUNDED = 2**31


def connect(url: str) -> redis.Redis:
    """A client that connects on first use, and again after Redis went away; redis-py itself never retries.

    The pool is unbounded: the server's own limit on requests in flight is the limit on connections. It
    notices at check-out when Redis has closed a connection, and opens a new one.
    """
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=TIMEOUT_S,
        socket_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        max_connections=_UNBOUNDED,
    )


def twice(command: Callable[[], T]) -> T:
    """The result of `command`, which is run once more after a pause if Redis wasn't there.

    Only for commands that may run twice: when a connection breaks, nobody knows whether Redis was done.
    """
    once_more = Retry(ConstantBackoff(RETRY_PAUSE_S), 1)
    return once_more.call_with_retry(command, lambda _error: None)
