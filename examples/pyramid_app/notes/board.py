"""The notice board: posting and searching, over the store and the search service. No HTTP and no keys here."""

from __future__ import annotations

import logging
from typing import NamedTuple

from notes.note import Draft, Note, new_note
from notes.solr import SearchAwayError, SolrIndex
from notes.store import NoteStore
from notes.words import words_of

log = logging.getLogger(__name__)

PAGE_SIZE = 20
PAGE_DIGITS = 6
# What was posted while the search service was away reaches it in batches, before the next search.
CATCH_UP_BATCH = 200
CATCH_UP_BATCHES = 5


class Page(NamedTuple):
    """One page of the board: `notes` newest first, `number` from 1, of `pages`, with `total` notes in all."""

    notes: list[Note]
    number: int
    pages: int
    total: int


class Answer(NamedTuple):
    """What a search found: the best or newest `notes`, `found` in all, by `engine` ("solr" or "redis")."""

    engine: str
    notes: list[Note]
    found: int


class Board:
    """Raises `redis.RedisError` when Redis is away. A search service that is away is never an error."""

    def __init__(self, store: NoteStore, index: SolrIndex | None) -> None:
        self.store = store
        self._index = index

    @property
    def engine(self) -> str:
        """The engine that the next search tries first."""
        return "redis" if self._index is None or self._index.is_resting else "solr"

    def post(self, draft: Draft) -> Note:
        """Keep `draft` as a note, and have it indexed if the search service is there."""
        note = new_note(draft)
        self.store.add(note)
        if self._index is not None:
            try:
                self._catch_up(self._index)
            except SearchAwayError:
                log.info("note %s will be indexed later", note.id)
        return note

    def page(self, number: int) -> Page:
        """Page `number` of the board; the last one if there are fewer."""
        total = self.store.total()
        pages = max(1, -(-total // PAGE_SIZE))
        number = min(max(number, 1), pages)
        return Page(self.store.newest((number - 1) * PAGE_SIZE, PAGE_SIZE), number, pages, total)

    def search(self, query: str) -> Answer:
        """The notes that have every word of `query`, which has at least one."""
        if self._index is not None:
            try:
                self._catch_up(self._index)
                hits = self._index.search(query, PAGE_SIZE)
                return Answer("solr", self.store.load(hits.ids), hits.found)
            except SearchAwayError:
                log.debug("searching through Redis")
        ids, found = self.store.ids_with(words_of(query), PAGE_SIZE)
        return Answer("redis", self.store.load(ids), found)

    def _catch_up(self, index: SolrIndex) -> None:
        """Give `index` what it has not taken yet. Two workers may do so at once: it indexes by id."""
        if index.is_resting:
            raise SearchAwayError("the search service is resting")
        for _ in range(CATCH_UP_BATCHES):
            ids = self.store.unindexed(CATCH_UP_BATCH)
            if not ids:
                return
            index.add(self.store.load(ids))
            self.store.mark_indexed(ids)


def page_number(typed: str | None) -> int:
    """The page that `?page=` names; the first one for anything that is no number."""
    if typed and typed.isascii() and typed.isdigit() and len(typed) <= PAGE_DIGITS:
        return int(typed)
    return 1
