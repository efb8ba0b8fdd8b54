"""Keys: no two things by one, and what control asks before it sends."""

from __future__ import annotations

from circus_stack.protocol.commands import COMMANDS
from circus_stack.top.actions import ACTIONS, BY_KEY, Question, ask
from circus_stack.top.keys import KEYS, SORTS, help_lines
from circus_stack.top.lines import Line, View, lines_of
from tests.unit.top.rows import SHOP

STACK = Line(("shop", "", 0), SHOP)
WEB, PROCESS, *_ = lines_of([SHOP], View())


def test_a_key_does_one_thing() -> None:
    names = [name for key in KEYS for name in key.names]
    all_keys = [*names, *SORTS, *(action.key for action in ACTIONS)]
    assert len(set(all_keys)) == len(all_keys)


def test_the_help_fits_into_24_lines() -> None:
    assert len(help_lines(has_control=False)) <= 22
    assert any("--control" in text for _, text in help_lines(has_control=False))
    assert {"S", "K"} <= {key for key, _ in help_lines(has_control=True)}


def test_what_is_sent_is_a_command_of_the_protocol() -> None:
    for action in ACTIONS:
        question = ask(action, PROCESS)
        assert isinstance(question, Question)
        assert {each.name for each in COMMANDS[question.command].properties} >= set(question.properties)


def test_a_question_names_watcher_process_and_stack() -> None:
    question = ask(BY_KEY["K"], PROCESS)
    assert question == Question("Kill process 12 of web (shop)?", "shop", "kill", {"name": "web", "pid": 12})
    stop = ask(BY_KEY["S"], WEB)
    # As it is, not as a pattern.
    assert stop == Question("Stop web (shop)?", "shop", "stop", {"name": "web", "match": "simple"})


def test_without_what_it_needs_there_is_no_question() -> None:
    assert ask(BY_KEY["S"], STACK) == ask(BY_KEY["S"], None) == "choose a watcher first"
    assert str(ask(BY_KEY["K"], WEB)).startswith("choose a process first")
