"""`/events`: what happened lately, as far as this console has heard of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from circus_stack.web.api.route import Reply, Request, Route

Event = dict[str, Any]
HeardSince = Callable[[int], Sequence[Event]]
"""(number of an event) -> those after it that are remembered, the oldest first."""

_MOST = 1000


class EventQuery(Struct, forbid_unknown_fields=True):
    """Those after the event with the number `since`; of more than `limit` the newest."""

    since: Annotated[int, Meta(ge=-1, le=2**53)] = -1
    limit: Annotated[int, Meta(ge=1, le=_MOST)] = 100


class EventsResource:
    """The route. What is remembered is the live channel's."""

    def __init__(self, heard: HeardSince) -> None:
        self._heard = heard

    def routes(self) -> tuple[Route, ...]:
        """Its declaration."""
        return (
            Route(
                method="GET",
                path="/events",
                summary="What happened lately, the oldest first, as far as the console has heard: 1,000 at most.",
                handler=self._show,
                query=EventQuery,
                reply=list[Event],
                tag="observing",
            ),
        )

    def _show(self, request: Request) -> Reply:
        asked: EventQuery = request.query
        return Reply(fields=list(self._heard(asked.since))[-asked.limit :])
