"""The JSON, through WSGI, on a real Redis."""

from __future__ import annotations

import os

import pytest

from tests.conftest import Visit


def test_a_note_goes_in_and_comes_out(visit: Visit) -> None:
    browser = visit()
    posted = browser.post_json("/notes.json", {"author": "Zoë", "text": "caf\u00e9 \U0001f3aa"}, status=201).json
    assert set(posted) == {"id", "author", "text", "posted_ms"}
    assert browser.get("/notes.json").json == {"notes": [posted], "page": 1, "pages": 1, "total": 1}
    found = browser.get("/search.json", {"q": "CAFÉ"}).json
    assert found == {"query": "CAFÉ", "engine": "redis", "found": 1, "notes": [posted]}


def test_every_bad_field_is_named(visit: Visit) -> None:
    refused = visit().post_json("/notes.json", {"author": 7, "text": ""}, status=422).json
    assert set(refused["problems"]) == {"author", "text"}


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', '{"text": "\\ud800"}', "[" * 9000, "\xff"])
def test_what_is_no_note_is_refused(visit: Visit, body: str) -> None:
    raw = body.encode("latin-1")
    refused = visit().post("/notes.json", raw, content_type="application/json", status=422)
    assert refused.json["problems"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_cannot_post_to_the_api(visit: Visit, kind: str) -> None:
    browser = visit()
    assert browser.post("/notes.json", '{"text": "x"}', content_type=kind, status=415).json["status"] == 415
    assert browser.get("/notes.json").json["total"] == 0


def test_several_words_all_have_to_be_there(visit: Visit) -> None:
    browser = visit()
    for text in ("red ball", "blue ball", "red ball and blue hat"):
        browser.post_json("/notes.json", {"text": text, "author": "Bo"})

    def texts(query: str) -> list[str]:
        return [note["text"] for note in browser.get("/search.json", {"q": query}).json["notes"]]

    assert set(texts("ball")) == {"red ball", "blue ball", "red ball and blue hat"}
    assert texts("blue RED") == ["red ball and blue hat"]
    assert set(texts("ball red")) == {"red ball", "red ball and blue hat"}
    assert texts("ball green") == []
    assert len(texts("bo")) == 3


def test_a_query_without_a_word_is_refused(visit: Visit) -> None:
    for address in ("/search.json", "/search.json?q=", "/search.json?q=!!"):
        assert "q" in visit().get(address, status=422).json["problems"]


def test_health_tells_pid_server_and_engine(visit: Visit) -> None:
    told = visit().get("/health.json", extra_environ={"SERVER_SOFTWARE": "bigtop"}).json
    assert told == {"status": "ok", "redis": True, "search": "redis", "pid": os.getpid(), "server": "bigtop"}
