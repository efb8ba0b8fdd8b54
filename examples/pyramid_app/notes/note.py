"""The note: its record, what a person may write, and how it is named. Pure but for `new_note`'s clock."""

from __future__ import annotations

import secrets
import time
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

TEXT_LIMIT = 500
AUTHOR_LIMIT = 40
ANONYMOUS = "Anonymous"


class Draft(NamedTuple):
    """What somebody wrote, checked: one line of at most AUTHOR_LIMIT, and at most TEXT_LIMIT characters."""

    author: str
    text: str


class Note(NamedTuple):
    """A draft that was posted. `id` sorts by time; `posted_ms` counts milliseconds since 1970, UTC."""

    id: str
    author: str
    text: str
    posted_ms: int


class InvalidNoteError(Exception):
    """Something in a note can't be taken. `problems`: field -> what is wrong and what would be right."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = dict(problems)


def check_draft(author: object, text: object) -> Draft:
    """The draft in two fields of a form or of a JSON object; InvalidNoteError names every bad one."""
    problems: dict[str, str] = {}
    draft = Draft(
        author=" ".join(_readable("author", author, problems).split()) or ANONYMOUS,
        text=_readable("text", text, problems).strip(),
    )
    if len(draft.author) > AUTHOR_LIMIT:
        problems["author"] = _too_long("The name", len(draft.author), AUTHOR_LIMIT)
    if not draft.text and "text" not in problems:
        problems["text"] = f"Write something first: a note has 1 to {TEXT_LIMIT} characters."
    if len(draft.text) > TEXT_LIMIT:
        problems["text"] = _too_long("The note", len(draft.text), TEXT_LIMIT)
    if problems:
        raise InvalidNoteError(problems)
    return draft


def new_note(draft: Draft) -> Note:
    """`draft` as posted now. The name is made here, before anything is stored, so that storing it twice
    is the same as storing it once."""
    posted_ms = time.time_ns() // 1_000_000
    return Note(f"{posted_ms:012x}{secrets.token_hex(4)}", draft.author, draft.text, posted_ms)


def _readable(field: str, value: object, problems: dict[str, str]) -> str:
    """`value` as text with plain line ends; a problem where it is not text, or could not be shown."""
    if value is None:
        return ""
    if not isinstance(value, str):
        problems[field] = f"{field} has to be text, not {type(value).__name__}."
        return ""
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n"))
    # Cc: control characters. Cs: half a surrogate pair, which JSON can spell and UTF-8 can't.
    strange = next((char for char in text if unicodedata.category(char) in {"Cc", "Cs"} - _allowed(char)), "")
    if strange:
        problems[field] = f"{field} contains the unprintable character U+{ord(strange):04X}: leave it out."
        return ""
    return text


def _allowed(char: str) -> set[str]:
    return {"Cc"} if char in "\n\t" else set()


def _too_long(what: str, length: int, limit: int) -> str:
    return f"{what} is {length} characters long: the limit is {limit}, so shorten it by {length - limit}."
