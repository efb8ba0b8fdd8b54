"""A route of the API: declared once, read by the dispatcher, the role check, and the document that describes it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from circus_stack.protocol.roles import Role
from circus_stack.web.access.caller import Caller

PREFIX = "/api/v1"


class Request(Struct, frozen=True, kw_only=True):
    """What a handler is given. `path` are the parts of the path by name, `query` and `body` what the route declares,
    checked; `caller` is None only where the route asks for no role. `environ` is WSGI's."""

    path: Mapping[str, str]
    query: Any
    body: Any
    caller: Caller | None
    environ: dict[str, Any]

    @property
    def address(self) -> str:
        """Where it came from."""
        return str(self.environ.get("REMOTE_ADDR", ""))


class Reply(Struct, frozen=True, kw_only=True):
    """`fields` are encoded as JSON; `text` goes out as it is, as `content_type`."""

    status: int = 200
    fields: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: bytes | None = None
    content_type: str = "application/json"


Handler = Callable[[Request], Reply]


class Route(Struct, frozen=True, kw_only=True):
    """`path` begins behind PREFIX and has its variable parts in braces, as /watchers/{name}. `role` is what a caller
    must have; None: anybody. `body` and `query` are Structs of what may be sent, `reply` the type of what comes back.
    `statuses` are the errors that this route has beside those of all: status -> when; `headers` what a reply may have:
    name -> what it says. `prefix` is empty for what others
    look for at the root; `media` is the type of what comes back."""

    method: str
    path: str
    summary: str
    handler: Handler
    role: Role | None = Role.VIEW
    body: Any = None
    query: Any = None
    reply: Any = None
    status: int = 200
    tag: str = ""
    statuses: Mapping[int, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"
    prefix: str = PREFIX

    @property
    def address(self) -> str:
        """Prefix and path."""
        return self.prefix + self.path
