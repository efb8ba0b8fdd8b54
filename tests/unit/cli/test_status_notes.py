"""What `circus-stack status` says below its table, and circusctl beside a state."""

from __future__ import annotations

from circus_stack.cli.ctl_output import render
from circus_stack.cli.notes import notes_of
from circus_stack.cli.style import PLAIN, Style

TERMINAL = Style(is_terminal=True)


def test_whoever_has_nothing_to_tell_has_no_note() -> None:
    assert notes_of("web", {"detail": ""}, 0.0, PLAIN) == ""
    # A Circus sends none of it.
    assert notes_of("web", {}, 0.0, PLAIN) == ""


def test_a_note_is_one_line_with_the_time_of_the_next_try() -> None:
    assert (
        notes_of("web", {"detail": "degraded: a is unready", "failed": None}, 0.0, PLAIN)
        == "web: degraded: a is unready"
    )
    waiting = {"detail": "waits after 3 failures in a row", "failed": None, "retry_at": 12.5}
    assert notes_of("web", waiting, 10.0, PLAIN) == "web: waits after 3 failures in a row; next try in 2.5 s"


def test_a_failure_has_its_age_its_last_lines_and_what_to_do() -> None:
    failed = {"reason": "given up", "since": 100.0, "lines": ["Traceback\x1b[2J", "\x1b[31mKeyError: 'A'"]}
    assert notes_of("web", {"detail": "given up", "failed": failed}, 172.0, PLAIN).splitlines() == [
        "web failed 1m 12s ago: given up",
        "    Traceback^[[2J",
        "    KeyError: 'A'",
        "    circusctl start web tries again",
    ]


def test_circusctl_adds_to_the_words_of_circus_for_people_alone() -> None:
    reply = {"statuses": {"b": "active", "a": "failed"}, "details": {"b": "degraded: a has failed"}}
    assert render("status", reply, PLAIN) == "a: failed\nb: active"
    assert render("status", reply, TERMINAL) == "a: failed\nb: active  (degraded: a has failed)"
    assert render("status", {"status": "failed", "detail": "given up"}, TERMINAL) == "failed  (given up)"
