"""How many requests a worker serves before it goes: the count of them, and where the number comes from.

A worker without a limit is not counted at all.
"""

from __future__ import annotations

import itertools
from _thread import allocate_lock  # the native one: it is only tried, never waited for
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chaussette.errors import UsageError
from chaussette.settings import Settings
from chaussette.values import whole_number

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# How a supervisor tells it; what stands on the command line wins.
VARIABLES = {"max_requests": "CHAUSSETTE_MAX_REQUESTS", "max_requests_jitter": "CHAUSSETTE_MAX_REQUESTS_JITTER"}

# Requests between two askings: a small limit must not become a flood of messages.
ASK_AGAIN = 1000


def with_environ(settings: Settings, environ: MutableMapping[str, str]) -> Settings:
    """The settings with what the environment says of the quota. It is taken out of there: a server that the
    application starts is another one. Raises UsageError."""
    given = {name: environ.pop(variable, "") for name, variable in VARIABLES.items()}
    taken: dict[str, Any] = {}
    for name, text in given.items():
        if text and getattr(settings, name) is None:
            try:
                taken[name] = whole_number(text)
            except ValueError as error:
                raise UsageError(f"{VARIABLES[name]}: {error}") from None
    return replace(settings, **taken)


def share_of(settings: Settings, draw: Callable[[int, int], int] | None = None) -> int:
    """How many requests this worker is to serve, its own share of the jitter included; 0: any number. `draw` is
    `random.randint`."""
    if not settings.max_requests:
        return 0
    if draw is None:
        import random

        draw = random.randint
    return settings.max_requests + draw(0, settings.max_requests_jitter or 0)


def counted(app: WSGIApplication, limit: int, reached: Callable[[], bool]) -> WSGIApplication:
    """`app` behind a count of its requests. `reached` is called when there were `limit`, and at each further one until
    it returns True; then now and then again: whoever heard it may have been replaced meanwhile, and have forgotten."""
    if not limit:
        return app
    numbers = itertools.count(1)
    telling = allocate_lock()
    told_until = limit

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        nonlocal told_until
        number = next(numbers)
        if number >= told_until and telling.acquire(False):
            try:
                if number >= told_until and reached():
                    told_until = number + max(limit, ASK_AGAIN)
            finally:
                telling.release()
        return app(environ, start_response)

    return serve
