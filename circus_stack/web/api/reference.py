"""The page of all routes, made from their declarations: `python -m circus_stack.web.api.reference`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from circus_stack.web.access.doors import open_doors
from circus_stack.web.api.document import document_route
from circus_stack.web.api.events import EventsResource
from circus_stack.web.api.resources import stack_routes
from circus_stack.web.api.route import PREFIX, Route
from circus_stack.web.api.session import SessionResource
from circus_stack.web.live.heard import Heard
from circus_stack.web.stack.stack import Stack

_INTRODUCTION = f"""\
# The HTTP API

Made from the declarations by `python -m circus_stack.web.api.reference`; do not edit.

[`circushttpd`](console.md) serves it below `{PREFIX}`, and describes it as OpenAPI at `{PREFIX}/openapi.json`. Programs
send `Authorization: Bearer TOKEN`; `circus-stack token add NAME --role ROLE` makes one. Bodies and replies are JSON, as
are errors: `{{"error": {{"status": 404, "reason": "there is no watcher 'x'", "option": "name"}}}}`.

    $ curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/v1/watchers
    $ curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
           -d '{{}}' "http://127.0.0.1:8080/api/v1/watchers/web/reload?wait=true"

With `wait=true` the reply comes when the operation is done, 200 with what it did; else at once, 202 with its `job`,
which `/jobs` shows. What ends the console itself cannot be waited for there: the reply is 202 all the same.

What happens can be heard, too: socket.io (version 4 of its protocol) at `/socket.io`, with the same token or session.
The message `follow` says what is wanted, all of it at once, and is acknowledged with `{{"ok": true}}`:

    {{"stats": true, "processes": ["web"], "events": {{"since": -1}}, "logs": {{"watcher": "web", "lines": 200}}}}

Then come `stats` and `processes` at each tick, `events` (those before) and `event`, `logs` with `lines` of [number,
time, watcher, slot, pid, stream, text] (the first has `is_first`, and lines that a later one may have again), `state`
of the arbiter and of circusd-stats (`up`, `late` or `lost`), `late` with the number of lines that were not told to who
did not read, and `missing` with `events_through` before events that may lack some up to that number.
"""


def render_reference(routes: Iterable[Route]) -> str:
    """The whole page, in Markdown; the same text every time."""
    lines = ["| route | role | what | body | query |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(_cells(route))} |" for route in routes]
    return f"{_INTRODUCTION}\n" + "\n".join(lines) + "\n"


def _cells(route: Route) -> Sequence[str]:
    role = "anybody" if route.role is None else str(route.role)
    return (
        f"`{route.method} {route.path}`{'' if route.prefix else ' at the root'}",
        role,
        route.summary,
        _fields(route.body),
        _fields(route.query),
    )


def _fields(record: object) -> str:
    if record is None:
        return ""
    if not (isinstance(record, type) and issubclass(record, msgspec.Struct)):
        return "names and values"
    return ", ".join(f"`{each.name}`" for each in msgspec.structs.fields(record))


def all_routes(directory: Path) -> list[Route]:
    """Those of a console; nothing is asked, and nothing is written into the directory but a key."""
    session, events = SessionResource(open_doors(directory)), EventsResource(lambda _since, _limit: Heard(()))
    routes = [*session.routes(), *stack_routes(Stack("ipc:///nowhere")), *events.routes()]
    return [*routes, document_route(routes, "")]


def main(argv: list[str] | None = None) -> int:
    """Write the page to the file that is named, else to docs/http-api.md below the current directory."""
    words = sys.argv[1:] if argv is None else argv
    path = Path(words[0]) if words else Path("docs/http-api.md")
    with tempfile.TemporaryDirectory() as directory:
        path.write_text(render_reference(all_routes(Path(directory))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
