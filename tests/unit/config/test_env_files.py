"""What the text of an env_file says, and how its mistakes are told."""

from __future__ import annotations

import pytest

from circus_stack.config.env_file import parse_env_text

TEXT = """\
# a comment, and a blank line

PLAIN=one two
export EXPORTED = 'single #1'
DOUBLE="a\\nb" # behind
LEFT=${PLAIN} $HOME
EMPTY=
MANY="first
second"
PLAIN=last
"""


def test_the_forms_of_a_line() -> None:
    found = parse_env_text(TEXT)
    assert found.flaws == ()
    assert found.variables == {
        "PLAIN": "last",
        "EXPORTED": "single #1",
        "DOUBLE": "a\nb",
        "LEFT": "${PLAIN} $HOME",
        "EMPTY": "",
        "MANY": "first\nsecond",
    }


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("A=1\n\n\nhunter2\n", 4, "no ="),
        ("A='hunter2\nB=1\n", 1, "quote"),
        ("A=1\nhun/ter2=x\n", 2, "no name"),
        ("A=1\nB=hun\0ter2\n", 2, "zero byte"),
        ("=hunter2\n", 1, "NAME=VALUE"),
    ],
)
def test_a_mistake_has_its_line_and_nothing_of_what_is_in_it(text: str, line: int, word: str) -> None:
    flaws = parse_env_text(text).flaws
    assert flaws[0].line == line
    assert word in flaws[0].message
    assert "ter2" not in str(flaws) and "hun" not in repr(parse_env_text(text))
