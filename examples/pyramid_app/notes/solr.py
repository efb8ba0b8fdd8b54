"""The search service: one Solr collection, spoken to through pysolr, and left alone for a while when it fails.

The field names are dynamic fields of Solr's own `_default` configuration (`*_t` text, `*_dt` date), so that a
collection needs no schema of ours.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import pysolr
import requests

from notes.note import Note

log = logging.getLogger(__name__)

T = TypeVar("T")

TIMEOUT_S = 2.0
# A search service that hangs costs one visitor TIMEOUT_S, then nobody anything for this long.
REST_S = 5.0
# ValueError: an answer that is not JSON, from whatever else listens on that port.
FAILURES = (pysolr.SolrError, requests.RequestException, ValueError, OSError)


class SearchAwayError(Exception):
    """The search service doesn't answer, or answered with an error."""


class Hits(NamedTuple):
    """`ids` of the best notes, best first; `found` counts all that matched."""

    ids: list[str]
    found: int


class SolrIndex:
    """Every method raises SearchAwayError, at once while the service is resting. Safe to share."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._solr = pysolr.Solr(url, timeout=TIMEOUT_S)
        self._url = url
        self._clock = clock
        self._rests_until = 0.0

    @property
    def is_resting(self) -> bool:
        """The service failed a moment ago and is not asked yet."""
        return self._clock() < self._rests_until

    def add(self, notes: Sequence[Note]) -> None:
        """Index `notes`, or index them again; they can be found when this returns."""
        documents = [_document(note) for note in notes]
        # A soft commit makes them visible; when they reach the disk is the service's own affair.
        self._ask("index", lambda: self._solr.add(documents, softCommit=True))

    def search(self, query: str, limit: int) -> Hits:
        """The `limit` best notes that have every word of `query`."""

        def select() -> Hits:
            results = self._solr.search(query, defType="edismax", qf="text_t author_t", mm="100%", fl="id", rows=limit)
            return Hits([str(row["id"]) for row in results.docs], int(results.hits))

        return self._ask("search", select)

    def _ask(self, what: str, question: Callable[[], T]) -> T:
        if self.is_resting:
            raise SearchAwayError("the search service is resting")
        try:
            return question()
        except FAILURES as error:
            self._rests_until = self._clock() + REST_S
            reason = " ".join(str(error).split())[:160]
            log.warning("%s failed, search goes through Redis for %.0f s: %s", what, REST_S, reason)
            raise SearchAwayError(f"{self._url}: {reason}") from error


def _document(note: Note) -> dict[str, str]:
    posted = datetime.fromtimestamp(note.posted_ms / 1000, UTC)
    return {
        "id": note.id,
        "author_t": note.author,
        "text_t": note.text,
        "posted_dt": posted.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
    }
