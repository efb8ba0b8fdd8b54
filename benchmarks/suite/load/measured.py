"""What every generator tells of a load."""

from __future__ import annotations

from msgspec import Struct


class LoadError(Exception):
    """The generator is missing, or did not measure; the text says why, in its own words where it has some."""


class Load(Struct, frozen=True):
    """What the generator saw. `errors`: connections and requests that got no answer; `not_2xx`: answers that failed;
    latencies in microseconds; `share` of its processors that the generator used, 0 to 1; `closed`: those of the errors
    that were connections which the server closed under a request."""

    requests: int
    seconds: float
    errors: int
    not_2xx: int
    p50_us: int
    p95_us: int
    p99_us: int
    p999_us: int
    share: float
    closed: int = 0
