"""Exit codes in words."""

from __future__ import annotations

import pytest

from circus_stack.exits import describe_exit


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended by itself"),
        (2, "exited with status 2"),
        (-15, "was killed by SIGTERM"),
        (-77, "was killed by signal 77"),
    ],
)
def test_exit_codes_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
