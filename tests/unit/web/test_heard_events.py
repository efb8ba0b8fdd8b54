"""What a console remembers of events, and what it says of those that it has not heard."""

from __future__ import annotations

from circus_stack.web.live.heard import Heard, HeardEvents


def numbers(heard: Heard) -> tuple[list[int], int | None]:
    return [each["seq"] for each in heard.events], heard.missing_through


def heard(*seqs: int, joined: int = 0, most: int = 100) -> HeardEvents:
    made = HeardEvents(most)
    made.joined(joined)
    for seq in seqs:
        made.add({"seq": seq})
    return made


def test_all_since_the_beginning() -> None:
    assert numbers(heard(1, 2, 3).since(-1)) == ([1, 2, 3], None)
    assert numbers(heard(1, 2, 3).since(2)) == ([3], None)
    assert numbers(heard().since(-1)) == ([], None)


def test_what_was_before_the_console_is_missing() -> None:
    events = heard(58, 59, joined=57)
    assert numbers(events.since(-1)) == ([58, 59], 57)
    assert numbers(events.since(56)) == ([58, 59], 57)
    assert numbers(events.since(57)) == ([58, 59], None)


def test_what_went_by_while_nobody_listened_is_missing() -> None:
    events = heard(1, 2)
    events.joined(2)
    assert numbers(events.since(0)) == ([1, 2], None)
    events.joined(5)
    assert numbers(events.since(0)) == ([1, 2], 5)
    events.add({"seq": 6})
    assert numbers(events.since(2)) == ([6], 5)
    assert numbers(events.since(5)) == ([6], None)
    events.add({"seq": 9})
    assert numbers(events.since(6)) == ([9], 8)


def test_what_was_forgotten_is_missing() -> None:
    events = heard(1, 2, 3, 4, most=2)
    assert numbers(events.since(0)) == ([3, 4], 2)
    assert numbers(events.since(2)) == ([3, 4], None)


def test_what_is_more_than_was_asked_for_is_missing() -> None:
    assert numbers(heard(1, 2, 3, 4).since(0, 2)) == ([3, 4], 2)
    assert numbers(heard(1, 2, 3, 4).since(2, 2)) == ([3, 4], None)


def test_another_arbiter_counts_anew() -> None:
    events = heard(1, 2, 3)
    events.joined(1)
    assert numbers(events.since(-1)) == ([], 1)
    events.add({"seq": 2})
    assert numbers(events.since(0)) == ([2], 1)
    # Also where it was not noticed that the first one had gone.
    events.add({"seq": 1})
    assert numbers(events.since(-1)) == ([1], None)


def test_what_has_no_number_is_not_remembered() -> None:
    events = heard(1)
    events.add({"topic": "spawn"})
    assert numbers(events.since(-1)) == ([1], None)
