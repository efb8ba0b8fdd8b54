"""Requests that run through an application before it serves."""

from __future__ import annotations

import logging

import pytest

from chaussette.errors import AppLoadError
from chaussette.warmup import warm_up


class Body:
    def __init__(self, pieces=(b"x",)):
        self.pieces = pieces
        self.is_closed = False

    def __iter__(self):
        yield from self.pieces

    def close(self):
        self.is_closed = True


def answering(status, body=None, seen=None):
    def app(environ, start_response):
        if seen is not None:
            seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"]))
        start_response(status, [])
        return [b""] if body is None else body

    return app


def test_each_path_is_asked_for_and_each_body_is_read_and_closed():
    seen, body = [], Body()
    warm_up(answering("200 OK", body, seen), ["/", "/caf%C3%A9?a=1%20b"])
    assert seen == [("GET", "/", ""), ("GET", "/caf\xc3\xa9", "a=1%20b")]
    assert body.is_closed


def test_a_refusal_of_the_request_is_logged_and_no_more(caplog):
    with caplog.at_level(logging.WARNING, "chaussette"):
        warm_up(answering("404 Not Found"), ["/gone"])
    assert caplog.messages == ["Warm-up: GET /gone was answered with 404 Not Found"]


def test_an_error_of_the_server_stops_the_start():
    with pytest.raises(AppLoadError, match="GET /x was answered with 503"):
        warm_up(answering("503 Busy"), ["/x"])


def test_what_the_application_raises_is_told_with_its_traceback():
    body = Body(1 / zero for zero in (0,))
    with pytest.raises(AppLoadError, match="GET /x raised ZeroDivisionError") as caught:
        warm_up(answering("200 OK", body), ["/x"])
    assert "ZeroDivisionError" in caught.value.traceback_text
    assert body.is_closed


def test_an_application_that_answers_nothing_is_told():
    with pytest.raises(AppLoadError, match="start_response was not called"):
        warm_up(lambda environ, start_response: [], ["/"])


def test_the_last_status_counts_where_an_error_took_the_place_of_the_first():
    def app(environ, start_response):
        start_response("200 OK", [])
        start_response("500 Oh", [], (ValueError, ValueError("late"), None))
        return []

    with pytest.raises(AppLoadError, match="late"):
        warm_up(app, ["/"])
