from __future__ import annotations

import configparser

from hypothesis import given
from hypothesis import strategies as st

from circus_stack.config.paste_reader import read_paste
from circus_stack.config.problems import Problems

_WORDS = """
[a]|[b:c]|[DEFAULT]|[ d ]|[e] ; x|[f]]|[]|[g|k = v|k: v|K=1|  k2 = v|set x = 1|a:b=c|=v|: v|noise|  more|\tmore||   |
# c|  ; c|k3 =|k4 = %(k)s|    deep = 1
"""
LINES = st.sampled_from(_WORDS.strip("\n").replace("|\n", "|").split("|"))


def parse_strictly(text: str) -> dict[str, dict[str, str]] | None:
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    found = {title: dict(parser._sections[title]) for title in parser.sections()}  # type: ignore[attr-defined]
    return {**found, "DEFAULT": dict(parser.defaults())}


def scanned(text: str) -> tuple[dict[str, dict[str, str]], Problems, str]:
    problems = Problems()
    document = read_paste(text, "x.ini", problems)
    found = {section.title: {entry.key: entry.value for entry in section.entries} for section in document.sections}
    found.setdefault("DEFAULT", {})
    return found, problems, document.text


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_agrees_with_the_parser_of_pastedeploy(text: str) -> None:
    expected = parse_strictly(text)
    found, problems, rest = scanned(text)
    assert (expected is None) == bool(problems.mistakes)
    if expected is not None:
        assert found == expected
    # What was refused is gone; the rest is whole, and holds no mistake any more.
    assert parse_strictly(rest) == found


def test_every_mistake_is_told_with_its_line() -> None:
    _, problems, _ = scanned("early\n[a]\nk = 1\nk = 2\n[b]\nnoise\n  its continuation\n[a]\nz = 1\n")
    assert [(each.line, each.section, each.option) for each in problems.mistakes] == [
        (1, "", ""),
        (4, "a", "k"),
        (6, "b", ""),
        (8, "a", ""),
    ]


def test_the_parts_of_a_repeated_section_are_both_read() -> None:
    found, _, _ = scanned("[a]\nk = 1\n[a]\nz = 1\n")
    assert found["a"] == {"k": "1", "z": "1"}
