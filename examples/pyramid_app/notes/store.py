"""Notes and counts in Redis: the one place that knows the keys.

notes:note:ID     hash    author, text, posted_ms
notes:index       zset    every ID by posted_ms
notes:word:WORD   zset    the IDs whose author or text has the word, by posted_ms
notes:unindexed   zset    the IDs that the search service has not taken yet
notes:visits      string  pages served
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import redis

from notes.connection import twice
from notes.note import Note
from notes.words import words_of

INDEX = "notes:index"
UNINDEXED = "notes:unindexed"
VISITS = "notes:visits"


def _note_key(note_id: str) -> str:
    return f"notes:note:{note_id}"


def _word_key(word: str) -> str:
    return f"notes:word:{word}"


class NoteStore:
    """Every method raises `redis.RedisError` if Redis is away or refuses. Safe to share between threads."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def add(self, note: Note) -> None:
        """Keep `note`, whole or not at all. Storing the same note twice changes nothing."""
        twice(lambda: self._add(note))

    def _add(self, note: Note) -> None:
        fields = {"author": note.author, "text": note.text, "posted_ms": str(note.posted_ms)}
        with self._client.pipeline(transaction=True) as batch:
            batch.hset(_note_key(note.id), mapping=cast("dict[Any, Any]", fields))
            for key in (INDEX, UNINDEXED, *map(_word_key, words_of(note.author, note.text))):
                batch.zadd(key, {note.id: note.posted_ms})
            batch.execute()

    def total(self) -> int:
        """How many notes there are."""
        return twice(lambda: self._client.zcard(INDEX))

    def newest(self, offset: int, limit: int) -> list[Note]:
        """At most `limit` notes, newest first, without the first `offset`."""
        return self.load(twice(lambda: self._ids(INDEX, offset, limit)))

    def load(self, ids: Sequence[str]) -> list[Note]:
        """The notes of `ids` in that order, without those that Redis doesn't have."""
        if not ids:
            return []
        rows = twice(lambda: self._rows(ids))
        return [
            Note(note_id, row["author"], row["text"], int(row["posted_ms"]))
            for note_id, row in zip(ids, rows, strict=True)
            if row
        ]

    def ids_with(self, words: Sequence[str], limit: int) -> tuple[list[str], int]:
        """The newest `limit` notes that have every one of `words`, and how many have them in all."""
        if len(words) == 1:
            key = _word_key(words[0])
            return twice(lambda: (self._ids(key, 0, limit), self._client.zcard(key)))
        keys = [_word_key(word) for word in words]
        found = twice(lambda: cast("list[str]", self._client.zinter(keys, aggregate="MAX")))
        return found[::-1][:limit], len(found)

    def count_visit(self) -> int:
        """One visit more; how many there are now. Never tried twice: it would count twice."""
        return self._client.incr(VISITS)

    def unindexed(self, limit: int) -> list[str]:
        """The ids of at most `limit` notes that the search service has yet to take, oldest first."""
        return twice(lambda: cast("list[str]", self._client.zrange(UNINDEXED, 0, limit - 1)))

    def mark_indexed(self, ids: Sequence[str]) -> None:
        """The search service has taken the notes `ids`, of which there is at least one."""
        twice(lambda: self._client.zrem(UNINDEXED, *ids))

    def ping(self) -> None:
        """Nothing, if Redis answers."""
        twice(self._client.ping)

    def _ids(self, key: str, offset: int, limit: int) -> list[str]:
        return cast("list[str]", self._client.zrevrange(key, offset, offset + limit - 1))

    def _rows(self, ids: Sequence[str]) -> list[dict[str, str]]:
        with self._client.pipeline(transaction=False) as batch:
            for note_id in ids:
                batch.hgetall(_note_key(note_id))
            return cast("list[dict[str, str]]", batch.execute())
