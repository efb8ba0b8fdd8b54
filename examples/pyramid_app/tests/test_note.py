"""Pure parts: what may be posted and searched for, words, settings."""

from __future__ import annotations

import pytest
from notes.board import page_number
from notes.clock import clock_time
from notes.note import ANONYMOUS, AUTHOR_LIMIT, TEXT_LIMIT, Draft, InvalidNoteError, check_draft, new_note
from notes.query import InvalidQueryError, check_query
from notes.settings import DEFAULT_REDIS_URL, Settings, read_settings
from notes.words import words_of


def problems_of(author: object, text: object) -> dict[str, str]:
    with pytest.raises(InvalidNoteError) as caught:
        check_draft(author, text)
    return caught.value.problems


def test_a_draft_is_trimmed_and_its_line_ends_are_plain() -> None:
    assert check_draft("  Ada \n Lovelace ", " one\r\ntwo\rthree\n ") == Draft("Ada Lovelace", "one\ntwo\nthree")


def test_nobody_has_to_give_a_name() -> None:
    assert check_draft(None, "x").author == check_draft("  ", "x").author == ANONYMOUS


def test_the_limits_count_characters_and_are_met_exactly() -> None:
    assert len(check_draft("a" * AUTHOR_LIMIT, "\U0001f3aa" * TEXT_LIMIT).text) == TEXT_LIMIT
    assert "501 characters long: the limit is 500, so shorten it by 1" in problems_of("", "x" * 501)["text"]
    assert set(problems_of("a" * 41, "x" * 501)) == {"author", "text"}


@pytest.mark.parametrize("text", [None, "", " \r\n\t "])
def test_an_empty_note_is_refused(text: str | None) -> None:
    assert problems_of("Ada", text) == {"text": "Write something first: a note has 1 to 500 characters."}


@pytest.mark.parametrize(("text", "named"), [("a\0b", "U+0000"), ("\ud800", "U+D800"), ("\x1b[2J", "U+001B")])
def test_what_cannot_be_shown_is_named_and_refused(text: str, named: str) -> None:
    assert named in problems_of("", text)["text"]


@pytest.mark.parametrize("value", [5, 1.5, True, [], {}])
def test_only_text_is_text(value: object) -> None:
    assert "has to be text" in problems_of(value, value)["author"]


def test_ids_sort_by_time_and_are_never_the_same() -> None:
    notes = [new_note(Draft("a", "b")) for _ in range(100)]
    assert len({note.id for note in notes}) == 100
    assert [note.posted_ms for note in sorted(notes)] == sorted(note.posted_ms for note in notes)


def test_words_do_not_mind_case_or_the_way_of_typing() -> None:
    assert words_of("Ärger, ÄRGER", "a\u0308rger ﬁne") == ["fine", "ärger"]
    assert words_of("¡! — …") == []


def test_a_query_has_a_word() -> None:
    assert check_query(" big \0\n top ") == "big top"
    for empty in (None, "", "  ", "!?"):
        with pytest.raises(InvalidQueryError, match="at least one letter"):
            check_query(empty)
    with pytest.raises(InvalidQueryError, match="101 characters long: the limit is 100"):
        check_query("x" * 101)


@pytest.mark.parametrize(
    ("typed", "number"), [("3", 3), (None, 1), ("", 1), ("-1", 1), ("x", 1), ("²", 1), ("9" * 9, 1)]
)
def test_a_page_is_a_small_number(typed: str | None, number: int) -> None:
    assert page_number(typed) == number


def test_times_are_utc_for_people_and_machines() -> None:
    assert clock_time(1_700_000_000_123) == ("2023-11-14T22:13:20+00:00", "14 Nov 2023, 22:13 UTC")


def test_the_environment_wins_over_the_ini() -> None:
    options = {"redis.url": "redis://ini/1", "solr.url": "http://ini/solr/notes/"}
    assert read_settings(options, {}) == Settings("redis://ini/1", "http://ini/solr/notes")
    environ = {"REDIS_URL": "unix:///run/r.sock?db=0", "SOLR_URL": "http://env/solr/notes"}
    assert read_settings(options, environ) == Settings("unix:///run/r.sock?db=0", "http://env/solr/notes")
    assert read_settings({}, {}) == Settings(DEFAULT_REDIS_URL, "")


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "unix://", "redis://"])
def test_a_bad_url_is_named_with_its_place(url: str) -> None:
    with pytest.raises(ValueError, match=r"environment variable REDIS_URL: .* is not a URL of the form redis://"):
        read_settings({}, {"REDIS_URL": url})
    with pytest.raises(ValueError, match=r"option redis\.url"):
        read_settings({"redis.url": url}, {})


def test_a_message_about_a_url_keeps_its_password_to_itself() -> None:
    with pytest.raises(ValueError, match="REDIS_URL") as caught:
        read_settings({}, {"REDIS_URL": "http://user:hunter2@host"})
    assert "hunter2" not in str(caught.value)
