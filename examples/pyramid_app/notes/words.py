"""Words of a text, as the search through Redis keeps and looks them up. Pure."""

from __future__ import annotations

import re
import unicodedata

QUERY_LIMIT = 100
WORD_LIMIT = 64
_WORD = re.compile(r"\w+")


def words_of(*texts: str) -> list[str]:
    """Every word of `texts` once, in a form that makes `Ärger`, `ÄRGER` and `ärger` one word, sorted."""
    folded = unicodedata.normalize("NFKC", " ".join(texts)).casefold()
    return sorted({word[:WORD_LIMIT] for word in _WORD.findall(folded)})
