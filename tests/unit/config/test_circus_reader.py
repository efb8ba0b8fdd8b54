from __future__ import annotations

from circus_stack.config.circus_reader import read_circus
from circus_stack.config.problems import Problems


def values(text: str) -> dict[str, dict[str, str]]:
    problems = Problems()
    document = read_circus(text, "x.ini", problems)
    assert not problems.mistakes
    return {section.title: {entry.key: entry.value for entry in section.entries} for section in document.sections}


def test_comments_are_dropped_in_all_forms() -> None:
    text = "# one\n; two\nrem three\nREM\n[a]\nb = 1 ; tail\nc = x;y\n  # indented\nremote = 2\n"
    assert values(text) == {"a": {"b": "1", "c": "x;y", "remote": "2"}}


def test_two_quotes_are_the_empty_value() -> None:
    assert values('[a]\nb = ""\nc = "x"\nd =\n') == {"a": {"b": "", "c": '"x"', "d": ""}}


def test_only_the_first_semicolon_may_begin_a_comment() -> None:
    assert values("[a]\nb = sh -c 'x; y ; z'\nc = x ;y;z ; w\nd =\tx\t;y") == {
        "a": {"b": "sh -c 'x; y ; z'", "c": "x", "d": "x"}
    }


def test_blanks_without_end_are_read_at_once() -> None:
    line = "a" + " " * 300_000 + "b"
    assert values(f"[a]\nc = 1\n{line} = 2\n") == {"a": {"c": "1", line: "2"}}
    problems = Problems()
    read_circus(f"[a]\n{line}", "f", problems)
    assert len(problems.mistakes) == 1


def test_indented_lines_continue_a_value() -> None:
    assert values("[a]\nb = one\n  two ; too\n\tthree\n\n  four\nc = 1") == {
        "a": {"b": "one\ntwo ; too\nthree\nfour", "c": "1"}
    }


def test_sections_of_one_title_merge_and_the_first_value_wins() -> None:
    assert values("[a]\nb = 1\n[x]\n[a]\nb = 2\n c\nd = 3") == {"a": {"b": "1", "d": "3"}, "x": {}}


def test_colons_delimit_and_options_keep_their_case() -> None:
    assert values("[a]\nB: 1\nb=http://x:1/\n") == {"a": {"B": "1", "b": "http://x:1/"}}


def test_percent_signs_are_plain_text() -> None:
    assert values("[a]\nb = %(here)s %% 100%\n") == {"a": {"b": "%(here)s %% 100%"}}


def test_lines_are_those_of_the_keys() -> None:
    document = read_circus("\n[a]\nb = 1\n  2\n\nc = 3\n", "x.ini", Problems())
    section = document.sections[0]
    assert section.where.line == 2
    assert [(entry.key, entry.where.line) for entry in section.entries] == [("b", 3), ("c", 6)]


def test_every_bad_line_is_told() -> None:
    problems = Problems()
    read_circus("early = 1\n[a]\nnonsense\n= 3\nb = 1\n", "x.ini", problems)
    assert [each.line for each in problems.mistakes] == [1, 3, 4]
