"""What unit files need escaped, and what no unit can hold."""

from __future__ import annotations

import pytest

from circus_stack.moving.systemd.escape import command_line, escape_value, escape_word, unit_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/srv/app.ini", "/srv/app.ini"),
        ("a b", '"a b"'),
        ("", '""'),
        ("50%", "50%%"),
        ('say "x"', '"say \\"x\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("it's", '"it\'s"'),
        ("a\nb", '"a\\nb"'),
        (";", '";"'),
    ],
)
def test_a_word(text: str, expected: str) -> None:
    assert escape_word(text) == expected


def test_a_command_keeps_its_dollars() -> None:
    assert command_line(["/bin/x", "$HOME", "50% of"]) == '/bin/x $$HOME "50%% of"'


@pytest.mark.parametrize("text", ["a\nb", " a", "a\\"])
def test_what_no_line_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a unit"):
        escape_value(text)


def test_a_name() -> None:
    assert [unit_name(each) for each in ("shop", "a b", "ünï", "..")] == ["shop", "a-b", "n", "stack"]
