"""`/events`: what happened lately, as far as this console has heard of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta, Struct

from circus_stack.web.api.route import Reply, Request, Route
from circus_stack.web.live.heard import Heard

Event = dict[str, Any]
HeardSince = Callable[[int, int], Heard]
"""(number of an event, how many) -> those after it that are remembered, of more the newest."""

MISSING_HEADER = "X-Events-Missing-Through"

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
                headers={MISSING_HEADER: "some of the events up to this number are not among these"},
                statuses={503: "the console has not heard of the stack yet"},
                tag="observing",
            ),
        )

    def _show(self, request: Request) -> Reply:
        asked: EventQuery = request.query
        heard = self._heard(asked.since, asked.limit)
        through = heard.missing_through
        return Reply(fields=heard.events, headers={} if through is None else {MISSING_HEADER: str(through)})
