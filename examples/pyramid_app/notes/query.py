"""What a person may search for. Pure."""

from __future__ import annotations

from notes.words import QUERY_LIMIT, words_of


class InvalidQueryError(Exception):
    """A query that can't be asked; the message says why, and what can."""


def check_query(typed: str | None) -> str:
    """`typed` as a query with at least one word, of at most QUERY_LIMIT characters; else InvalidQueryError."""
    query = " ".join("".join(char if char.isprintable() else " " for char in typed or "").split())
    if len(query) > QUERY_LIMIT:
        raise InvalidQueryError(
            f"The query is {len(query)} characters long: the limit is {QUERY_LIMIT}, so use fewer words."
        )
    if not words_of(query):
        raise InvalidQueryError("Search for a word: a query needs at least one letter or digit.")
    return query
