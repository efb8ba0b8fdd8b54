"""`/metrics` and `/healthz`: what other programs look for at the root, by names that are everybody's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from msgspec import Struct

from circus_stack.errors import CircusStackError
from circus_stack.protocol.roles import Role
from circus_stack.web.access.refusal import RefusedError
from circus_stack.web.api.route import Reply, Request, Route
from circus_stack.web.stack.stack import Stack

_TAG = "machines"
# However often strangers ask, the arbiter is asked once in this time, and waited for so long.
_KNOWN_S = 1.0
_PATIENCE_S = 2.0


class Health(Struct, frozen=True, kw_only=True):
    """`state` is `up`; of an arbiter that is lost the status tells."""

    state: str


class MachinesResource:
    """The routes. `clock` in seconds."""

    def __init__(self, stack: Stack, clock: Callable[[], float] = time.monotonic) -> None:
        self._stack = stack
        self._clock = clock
        self._asking = threading.Lock()
        # Whether the arbiter answered, and when that was asked; None: nobody has asked yet.
        self._found: tuple[bool, float] | None = None

    def routes(self) -> tuple[Route, ...]:
        """Their declarations."""
        return (
            Route(
                method="GET",
                path="/metrics",
                summary="The page of metrics, for Prometheus or as OpenMetrics, as Accept has it.",
                handler=self._metrics,
                reply=str,
                media="text/plain",
                tag=_TAG,
                statuses={503: "circusd-stats does not run"},
                prefix="",
            ),
            Route(
                method="GET",
                path="/healthz",
                summary="Whether the console is there, and the arbiter behind it.",
                handler=self._health,
                role=None,
                reply=Health,
                tag=_TAG,
                statuses={503: "the arbiter does not answer"},
                prefix="",
            ),
        )

    def _metrics(self, request: Request) -> Reply:
        page, kind = self._stack.metrics(str(request.environ.get("HTTP_ACCEPT", "")))
        return Reply(text=page.encode(), content_type=kind)

    def _health(self, _request: Request) -> Reply:
        if not self._is_up():
            raise RefusedError(503, "the arbiter does not answer")
        return Reply(fields=Health(state="up"))

    def _is_up(self) -> bool:
        found = self._found
        if found is not None and self._clock() - found[1] < _KNOWN_S:
            return found[0]
        # Whoever comes while somebody asks is told what was known; the first of all wait for the answer.
        if not self._asking.acquire(blocking=found is None, timeout=-1):
            return found is not None and found[0]
        try:
            if self._found is found:
                self._found = (self._answers(), self._clock())
            return self._found is not None and self._found[0]
        finally:
            self._asking.release()

    def _answers(self) -> bool:
        try:
            self._stack.call(Role.VIEW, "version", timeout_s=_PATIENCE_S)
        except CircusStackError:
            return False
        return True
