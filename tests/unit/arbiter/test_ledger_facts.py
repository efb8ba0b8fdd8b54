"""What a ledger says after whatever its writer's end has left of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circus_stack.arbiter.adoption.ledger import read_facts

LINES = b'["head",{"boot":"b"}]\n["process/1",{"pid":7}]\n["process/2",{"pid":8}]\n["process/1",null]\n'


def values(data: bytes) -> dict[str, bytes]:
    return {name: bytes(value) for name, value in read_facts(data).items()}


def test_the_last_word_holds() -> None:
    assert values(LINES) == {"head": b'{"boot":"b"}', "process/2": b'{"pid":8}'}


def test_a_torn_line_says_nothing() -> None:
    assert values(LINES + b'["process/2",{"pi') == values(LINES)


def test_a_line_torn_in_the_middle_costs_no_other() -> None:
    torn = LINES + b'["process/3",{"p\n["process/4",{"pid":9}]\n'

    assert values(torn) == {**values(LINES), "process/4": b'{"pid":9}'}


@given(st.binary())
def test_rubbish_is_no_fact(data: bytes) -> None:
    assert values(LINES + b"\n" + b'{"no": "fact"}\n17\n["alone"]\n') == values(LINES)
    read_facts(data)


@given(st.integers(0, len(LINES)))
def test_whatever_the_cut_the_whole_lines_before_it_hold(cut: int) -> None:
    # A line that lacks nothing but its end is whole.
    whole = LINES[: LINES.rfind(b"\n", 0, cut + 1) + 1]

    assert values(LINES[:cut]) == values(whole)
