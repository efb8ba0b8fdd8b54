"""Part of the API: what its routes have in common, said once. A route that has something of its own is a `Route`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from circus_stack.protocol.roles import Role
from circus_stack.web.api.operations import Accepted, Nothing, Waiting
from circus_stack.web.api.route import Handler, Route


class Section(Struct, frozen=True):
    """`tag` is what the document lists its routes under, `statuses` the errors that all of them have."""

    tag: str
    statuses: Mapping[int, str] = field(default_factory=dict)

    def shows(
        self,
        path: str,
        summary: str,
        handler: Handler,
        reply: Any,
        *,
        query: Any = None,
        role: Role = Role.VIEW,
        statuses: Mapping[int, str] | None = None,
    ) -> Route:
        """A GET."""
        return Route(
            method="GET",
            path=path,
            summary=summary,
            handler=handler,
            role=role,
            query=query,
            reply=reply,
            tag=self.tag,
            statuses={**self.statuses, **(statuses or {})},
        )

    def operates(
        self,
        path: str,
        summary: str,
        handler: Handler,
        *,
        method: str = "POST",
        role: Role = Role.OPERATE,
        body: Any = Nothing,
        statuses: Mapping[int, str] | None = None,
    ) -> Route:
        """An operation, which can be waited for."""
        return Route(
            method=method,
            path=path,
            summary=summary,
            handler=handler,
            role=role,
            body=body,
            query=Waiting,
            reply=Accepted,
            status=202,
            tag=self.tag,
            statuses={**self.statuses, **(statuses or {})},
        )
