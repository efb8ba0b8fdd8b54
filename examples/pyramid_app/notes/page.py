"""The page: the board with its form and search, for people."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.view import view_config

from notes.board import page_number
from notes.clock import clock_time
from notes.note import AUTHOR_LIMIT, TEXT_LIMIT, InvalidNoteError, check_draft
from notes.query import InvalidQueryError, check_query
from notes.serving import server_of

TEMPLATE = "notes:templates/board.jinja2"


@view_config(route_name="board", request_method="GET", renderer=TEMPLATE)
def show(request: Any) -> dict[str, Any]:
    """The board, or what was found for `?q=`. Counts a visit, unless it is only a HEAD."""
    shown = _frame(request)
    typed = request.GET.get("q", "")
    if not typed.strip():
        return shown | {"page": request.board.page(page_number(request.GET.get("page")))}
    try:
        return shown | {"q": typed, "answer": request.board.search(check_query(typed))}
    except InvalidQueryError as error:
        return shown | {"q": typed, "query_problem": str(error), "page": request.board.page(1)}


@view_config(route_name="board", request_method="POST", renderer=TEMPLATE)
def post(request: Any) -> Any:
    """Post what the form holds and show the board; or show the form again, with what is wrong beside it."""
    author, text = request.POST.get("author"), request.POST.get("text")
    try:
        note = request.board.post(check_draft(author, text))
    except InvalidNoteError as error:
        request.response.status_int = 422
        typed = {"author": author, "text": text, "problems": error.problems}
        return _frame(request) | typed | {"page": request.board.page(1)}
    return HTTPSeeOther(request.route_path("board", _anchor=f"note-{note.id}"))


def _frame(request: Any) -> dict[str, Any]:
    """What the template shows around the notes."""
    store = request.board.store
    return {
        "server": server_of(request),
        "visits": store.count_visit() if request.method == "GET" else None,
        "engine": request.board.engine,
        "author_limit": AUTHOR_LIMIT,
        "text_limit": TEXT_LIMIT,
        "clock_time": clock_time,
        "problems": {},
        "author": "",
        "text": "",
        "q": "",
    }
