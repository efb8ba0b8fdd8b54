"""Names, patterns and regular expressions; none of them may take more than a moment."""

from __future__ import annotations

import pytest

from circus_stack.control.matching import match_names
from circus_stack.errors import CommandError, Errno, UnknownWatcherError

NAMES = ("web", "Web 2", "job.a", "a" * 100)


@pytest.mark.parametrize(
    ("pattern", "method", "found"),
    [
        ("WEB", "simple", ("web",)),
        ("w*", "glob", ("web", "Web 2")),
        ("w*", "regex", NAMES),
        ("WEB( 2)?", "regex", ("web", "Web 2")),
        (r"job\.", "regex", ("job.a",)),
        ("[ab]*", "glob", ("a" * 100,)),
        ("(a|a)*b?", "regex", NAMES),
    ],
)
def test_what_is_meant(pattern: str, method: str, found: tuple[str, ...]) -> None:
    assert match_names(NAMES, pattern, method) == found


# Each of these keeps a backtracking matcher busy for longer than anybody waits.
@pytest.mark.parametrize("pattern", [r"(\w+)+!", "(a*)*!", "(a|aa)+!", "((a{1,9}){1,9}){1,9}!", "(.*.*.*.*.*.*)*!"])
def test_nothing_goes_back_and_forth(pattern: str) -> None:
    with pytest.raises(UnknownWatcherError):
        match_names(NAMES, pattern, "regex")


@pytest.mark.parametrize(
    "pattern", ["w[", "(?=a)", r"(a)\1", r"\p{L}{999}", "((a{1,999}){1,999}){1,999}", "a" * 201, "\ud800", "(" * 150]
)
def test_what_is_no_expression_is_told(pattern: str) -> None:
    with pytest.raises(CommandError, match="regular expression") as caught:
        match_names(NAMES, pattern, "regex")
    assert caught.value.errno in (Errno.COMMAND_ERROR, Errno.MESSAGE_ERROR)


def test_a_pattern_of_stars_is_refused() -> None:
    with pytest.raises(CommandError, match="5 stars"):
        match_names(NAMES, "*a" * 20 + "!", "glob")
