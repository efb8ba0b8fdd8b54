"""Answers to what went wrong: a friendly page, or JSON where the address ends in .json. Never a traceback."""

from __future__ import annotations

import json
import logging
from typing import Any

import redis
from pyramid.exceptions import BadCSRFToken
from pyramid.httpexceptions import HTTPError, HTTPException
from pyramid.renderers import render_to_response
from pyramid.view import exception_view_config, forbidden_view_config, notfound_view_config

from notes.serving import server_of

log = logging.getLogger(__name__)

# A supervisor needs less than a second to bring Redis back; a person needs as long to press reload.
RETRY_AFTER_S = 2


@exception_view_config(redis.RedisError)
def redis_away(error: Exception, request: Any) -> Any:
    """503 with Retry-After: Redis is being restarted, is full, or refuses; the app is fine."""
    log.warning("%s %s: Redis: %s: %s", request.method, request.path_info, type(error).__name__, error)
    response = _answer(
        request, 503, "Back in a moment", "The place where notes are kept is not answering. Nothing is lost."
    )
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


@exception_view_config(BadCSRFToken)
def stale_form(_error: Exception, request: Any) -> Any:
    """400: the form was open for too long, or was sent from another site."""
    return _answer(request, 400, "This form is out of date", "Go back, reload the page, and send your note again.")


@exception_view_config(UnicodeDecodeError)
def not_text(error: UnicodeDecodeError, request: Any) -> Any:
    """400: bytes in the address or the form that are no UTF-8."""
    return _answer(
        request,
        400,
        "That can't be read",
        f"Byte {error.start} of the request is not UTF-8 text: {error.reason}.",
    )


@notfound_view_config()
def not_found(request: Any) -> Any:
    """404, also for a method that an address doesn't know."""
    return _answer(request, 404, "Nothing here", "There is no such page. All notes are on the board.")


@forbidden_view_config()
@exception_view_config(HTTPError)
def refused(error: HTTPException, request: Any) -> Any:
    """Any other refusal, as Pyramid words it."""
    return _answer(request, error.status_int, error.title, error.detail or error.explanation)


@exception_view_config(Exception)
def broken(error: Exception, request: Any) -> Any:
    """500: a mistake of ours. The log has the traceback, the visitor has an apology."""
    log.error("%s %s failed", request.method, request.path_info, exc_info=error)
    return _answer(request, 500, "That went wrong", "A mistake in the program; it has been written down.")


def _answer(request: Any, status: int, title: str, text: str) -> Any:
    if _wants_json(request):
        request.response.content_type = "application/json"
        request.response.text = json.dumps({"error": text, "status": status})
        response = request.response
    else:
        shown = {"title": title, "text": text, "status": status, "server": server_of(request)}
        response = render_to_response("notes:templates/problem.jinja2", shown, request=request)
    response.status_int = status
    return response


def _wants_json(request: Any) -> bool:
    # The raw path: decoding it may be the very thing that failed.
    return bool(request.environ.get("PATH_INFO", "").endswith(".json"))
