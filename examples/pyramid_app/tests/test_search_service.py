"""The app on the stand-in: a real JVM, real HTTP, pysolr between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from notes.note import Draft, new_note
from notes.solr import REST_S, SearchAwayError, SolrIndex

from tests.conftest import Visit
from tests.servers import StandIn

NOWHERE = "http://127.0.0.1:1/solr/notes"


def post(browser: Any, text: str) -> str:
    return str(browser.post_json("/notes.json", {"text": text}, status=201).json["id"])


def search(browser: Any, query: str) -> tuple[str, list[str]]:
    answer = browser.get("/search.json", {"q": query}).json
    return answer["engine"], [note["text"] for note in answer["notes"]]


def test_a_note_is_found_at_once_by_the_search_service(visit: Visit, stand_in: StandIn) -> None:
    browser = visit(stand_in.url)
    post(browser, "The Lion is loose")
    post(browser, "Popcorn at the gate")
    assert search(browser, "lion") == ("solr", ["The Lion is loose"])
    assert search(browser, "the gate") == ("solr", ["Popcorn at the gate"])
    assert search(browser, "the anonymous")[0] == "solr"
    browser.get("/?q=lion").mustcontain("says Solr")


@pytest.mark.parametrize("query", ['"', "(((", "a AND", "/x[/", "NOT", "a:[1", "\\", "*a", "{!x}y", "a~", "x" * 100])
def test_no_query_is_an_error(visit: Visit, stand_in: StandIn, query: str) -> None:
    browser = visit(stand_in.url)
    answer = browser.get("/search.json", {"q": query}, expect_errors=True)
    assert answer.status_int in (200, 422)
    assert answer.status_int == 422 or answer.json["engine"] == "solr"


def test_a_service_that_is_away_never_fails_a_post_or_a_search(visit: Visit) -> None:
    browser = visit(NOWHERE)
    post(browser, "posted all the same")
    assert search(browser, "same") == ("redis", ["posted all the same"])
    assert browser.get("/health.json").json["status"] == "ok"


def test_what_was_posted_meanwhile_is_indexed_once_the_service_is_there(visit: Visit, stand_in: StandIn) -> None:
    post(visit(), "without any service")
    post(visit(NOWHERE), "while it was away")
    assert search(visit(stand_in.url), "away") == ("solr", ["while it was away"])
    assert search(visit(stand_in.url), "any") == ("solr", ["without any service"])


def test_a_note_that_redis_lost_is_not_shown(visit: Visit, stand_in: StandIn) -> None:
    SolrIndex(stand_in.url).add([new_note(Draft("Ghost", "of the opera"))])
    assert search(visit(stand_in.url), "opera") == ("solr", [])


def test_a_service_that_failed_is_left_alone_for_a_while() -> None:
    now = 0.0
    index = SolrIndex(NOWHERE, clock=lambda: now)
    assert not index.is_resting
    with pytest.raises(SearchAwayError, match=r"127\.0\.0\.1"):
        index.search("x", 1)
    with pytest.raises(SearchAwayError, match="resting"):
        index.search("x", 1)
    now = REST_S
    assert not index.is_resting


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in that a test may kill."""
    server = StandIn(tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def test_a_service_killed_mid_way_is_done_without(visit: Visit, mortal: StandIn) -> None:
    browser = visit(mortal.url)
    post(browser, "first note")
    mortal.kill()
    post(browser, "second note")
    assert set(search(browser, "note")[1]) == {"first note", "second note"}
    assert browser.get("/health.json").json == browser.get("/health.json").json | {"status": "ok", "search": "redis"}
