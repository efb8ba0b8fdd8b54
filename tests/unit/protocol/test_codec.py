"""JSON text <-> plain values, whatever the bytes are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circus_stack.protocol.codec import decode, encode

PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_values_survive_the_journey(value: Any) -> None:
    assert decode(encode(value)) == value


@given(PLAIN)
def test_any_json_parser_reads_what_we_write(value: Any) -> None:
    assert json.loads(encode(value)) == value


@given(st.binary())
def test_any_bytes_are_a_value_or_a_value_error(data: bytes) -> None:
    try:
        decode(data)
    except ValueError:
        pass


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b'"\xff"',
        b"NaN",
        b'{"a":NaN}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'"\\ud800"',
        b"1" * 5000,
        b"1e999",
        b"{}x",
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_not_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(data)


def test_text_that_is_not_unicode_is_replaced() -> None:
    assert decode(encode({"argv": ["caf\udce9"], "\udcff": 1})) == {
        "argv": ["caf\N{REPLACEMENT CHARACTER}"],
        "\N{REPLACEMENT CHARACTER}": 1,
    }


def test_numbers_without_a_json_word_become_null() -> None:
    assert decode(encode([float("nan"), float("inf")])) == [None, None]
