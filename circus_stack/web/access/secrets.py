"""Random words that prove something, and how they are kept: only their digests are ever written down. Pure but for
chance."""

from __future__ import annotations

import hashlib
import hmac
import secrets

# 256 bits: nobody guesses one, so that a digest without salt or effort is enough to keep it.
_BYTES = 32


def new_secret() -> str:
    """43 characters that fit into an address."""
    return secrets.token_urlsafe(_BYTES)


def digest(secret: str) -> str:
    """What is kept of one."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def is_same(given: str, expected: str) -> bool:
    """Whether two words are the same; takes as long whichever characters differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
