"""The JSON beside the page, for programs.

A program that posts sends `application/json`: no form of another site can do that, so that no CSRF token
is asked for here.
"""

from __future__ import annotations

import json
from typing import Any

import redis
from pyramid.httpexceptions import HTTPUnsupportedMediaType
from pyramid.view import view_config

from notes.board import page_number
from notes.note import InvalidNoteError, Note, check_draft
from notes.problems import RETRY_AFTER_S
from notes.query import InvalidQueryError, check_query
from notes.serving import server_of


@view_config(route_name="notes.json", request_method="GET", renderer="json")
def list_notes(request: Any) -> dict[str, Any]:
    """A page of the board, newest first: `?page=N`."""
    page = request.board.page(page_number(request.GET.get("page")))
    return {
        "notes": [_as_json(note) for note in page.notes],
        "page": page.number,
        "pages": page.pages,
        "total": page.total,
    }


@view_config(route_name="notes.json", request_method="POST", renderer="json", require_csrf=False)
def post_note(request: Any) -> dict[str, Any]:
    """Post `{"author": ..., "text": ...}`: 201 and the note; 422 and a problem for each bad field."""
    if request.content_type != "application/json":
        raise HTTPUnsupportedMediaType(f"Post application/json, not {request.content_type or 'a body without a type'}.")
    try:
        fields = _object_of(request.body)
        note = request.board.post(check_draft(fields.get("author"), fields.get("text")))
    except InvalidNoteError as error:
        request.response.status_int = 422
        return {"error": str(error), "problems": error.problems}
    request.response.status_int = 201
    return _as_json(note)


@view_config(route_name="search.json", request_method="GET", renderer="json")
def search(request: Any) -> dict[str, Any]:
    """The notes that have every word of `?q=`, and which engine found them; 422 for a query with no word."""
    try:
        query = check_query(request.GET.get("q"))
    except InvalidQueryError as error:
        request.response.status_int = 422
        return {"error": str(error), "problems": {"q": str(error)}}
    answer = request.board.search(query)
    return {
        "query": query,
        "engine": answer.engine,
        "found": answer.found,
        "notes": [_as_json(note) for note in answer.notes],
    }


@view_config(route_name="health.json", request_method="GET", renderer="json")
def health(request: Any) -> dict[str, Any]:
    """200 if this worker can serve, which takes Redis; 503 if not. The search service is never missed."""
    server = server_of(request)
    told = {"pid": server.pid, "server": server.software, "search": request.board.engine}
    try:
        request.board.store.ping()
    except redis.RedisError:
        request.response.status_int = 503
        request.response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return {"status": "down", "redis": False, **told}
    return {"status": "ok", "redis": True, **told}


def _object_of(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidNoteError({"body": f"The body is not JSON: {error}."}) from None
    if not isinstance(value, dict):
        raise InvalidNoteError({"body": 'The body has to be an object: {"author": "...", "text": "..."}.'})
    return value


def _as_json(note: Note) -> dict[str, Any]:
    return note._asdict()
