"""From declared routes to a WSGI app: bottle finds the route, this checks the role, the parameters and the body, and
turns whatever goes wrong into a reply that says so. No route is named here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import bottle
import msgspec

from circus_stack.errors import CallError, CircusStackError, CommandError, Errno, NoAnswerError
from circus_stack.web.access.caller import ENVIRON_KEY, Caller
from circus_stack.web.access.refusal import RefusedError
from circus_stack.web.api.route import Reply, Request, Route

log = logging.getLogger(__name__)

# What an error reply of the arbiter is in HTTP; any other is one that the state of things forbids.
_OF_ERRNO = {Errno.UNKNOWN_COMMAND: 501, Errno.NOT_ALLOWED: 403, Errno.BAD_MSG_DATA_ERROR: 400}


def make_api(routes: Iterable[Route], *, most_body: int) -> bottle.Bottle:
    """The app of these routes; `most_body` in bytes."""
    app = bottle.Bottle()
    # The first that fits is taken, and a name may hold slashes: those that end in a word of their own come first.
    for route in sorted(routes, key=lambda each: each.address.count("/"), reverse=True):
        app.route(_bottle_path(route.address), route.method, _callback(route, most_body))
    app.default_error_handler = _explain
    return app


def _bottle_path(address: str) -> str:
    return address.replace("{name}", "<name:path>").replace("{", "<").replace("}", ">")


def _callback(route: Route, most_body: int) -> Callable[..., bytes]:
    def answer(**path: str) -> bytes:
        try:
            reply = route.handler(_request(route, path, most_body))
        except RefusedError as error:
            reply = refusal(error)
        except CommandError as error:
            reply = refusal(RefusedError(_status_of(error), str(error)))
        except NoAnswerError as error:
            reply = refusal(RefusedError(504, str(error)))
        except CallError as error:
            reply = refusal(RefusedError(503, str(error), headers={"Retry-After": "2"}))
        except CircusStackError as error:
            log.error("%s %s: %s", route.method, route.path, error)
            reply = refusal(RefusedError(500, str(error)))
        return _sent(reply)

    return answer


def _status_of(error: CommandError) -> int:
    # Circus's own words have no number of their own.
    is_unknown = str(error).startswith("program ") and str(error).endswith(" not found")
    if is_unknown:
        return 404
    # What was asked for is wrong whatever runs.
    return 400 if str(error).startswith("message invalid") else _OF_ERRNO.get(error.errno, 409)


def _request(route: Route, path: Mapping[str, str], most_body: int) -> Request:
    environ = bottle.request.environ
    caller: Caller | None = environ.get(ENVIRON_KEY)
    if route.role is not None:
        if caller is None:
            raise RefusedError(401, "log in first, or send a token", headers={"WWW-Authenticate": "Bearer"})
        if not caller.role.covers(route.role):
            raise RefusedError(403, f"this takes the role {route.role}; {caller.name} has {caller.role}")
    return Request(
        path=dict(path),
        query=_query(route, bottle.request.query),
        body=_body(route, environ, most_body),
        caller=caller,
        environ=environ,
    )


def _query(route: Route, given: Any) -> Any:
    if route.query is None:
        return None
    found = {name: str(given[name]) for name in given}
    try:
        return msgspec.convert(found, route.query, strict=False)
    except msgspec.ValidationError as error:
        raise RefusedError(400, f"{error}", option=_option(error)) from None


def _body(route: Route, environ: Mapping[str, Any], most_body: int) -> Any:
    if route.body is None:
        return None
    kind = str(environ.get("CONTENT_TYPE", "")).partition(";")[0].strip().lower()
    raw = _read(environ["wsgi.input"], most_body + 1)
    if len(raw) > most_body:
        raise RefusedError(413, f"a body has {most_body} bytes at most")
    # No form of another site's page can send this type without asking first.
    if raw and kind != "application/json":
        raise RefusedError(415, f"a body is application/json here, not {kind[:100] or 'without a type'}")
    try:
        return msgspec.json.decode(raw or b"{}", type=route.body)
    except msgspec.ValidationError as error:
        raise RefusedError(400, str(error), option=_option(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, f"the body is no JSON: {error}") from None


def _read(source: Any, most: int) -> bytes:
    try:
        return bytes(source.read(most))
    except OSError as error:
        # The server has found that the chunks of a body are too many, or none: it says so as we would.
        found = getattr(error, "refusal", None)
        reason = getattr(found, "reason", "the body did not come whole")
        raise RefusedError(getattr(found, "status", 400), reason) from error


def _option(error: msgspec.ValidationError) -> str | None:
    """The field that msgspec names: `... - at `$.name``."""
    _, _, where = str(error).rpartition("`$.")
    return where.rstrip("`") or None if "`$." in str(error) else None


def refusal(error: RefusedError) -> Reply:
    """The reply that tells it."""
    return Reply(status=error.status, fields=error.fields(), headers=error.headers)


def _sent(reply: Reply) -> bytes:
    response = bottle.response
    response.status = reply.status
    for name, value in reply.headers.items():
        response.add_header(name, value)
    if reply.text is not None:
        response.content_type = reply.content_type
        return reply.text
    if reply.status == 204:
        return b""
    response.content_type = "application/json"
    return msgspec.json.encode(reply.fields)


def _explain(error: bottle.HTTPError) -> bytes:
    """What bottle itself turns down: no such path, no such method; and what we have not foreseen."""
    if error.exception is not None:
        log.error("a request failed", exc_info=error.exception)
    reasons = {404: "there is nothing at this address", 405: "this method is not for this address"}
    bottle.response.content_type = "application/json"
    status = int(error.status_code)
    reason = reasons.get(status, "this went wrong in the console itself; its log tells more" if status >= 500 else "")
    return msgspec.json.encode({"error": {"status": status, "reason": reason or str(error.body), "option": None}})
