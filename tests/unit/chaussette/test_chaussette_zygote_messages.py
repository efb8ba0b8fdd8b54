"""What a zygote is told and what it answers, as bytes and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaussette.zygote.messages import (
    Birth,
    Fork,
    Forked,
    Ready,
    Refused,
    decode_fork,
    decode_report,
    encode_fork,
    encode_report,
)

# As the environment may have it: any byte that is no text comes as a lone surrogate.
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF))
BIRTHS = st.builds(
    Birth,
    argv=st.lists(TEXT).map(tuple),
    changes=st.dictionaries(TEXT, st.none() | TEXT),
    fds=st.dictionaries(st.integers(0, 2**16), st.integers(0, 252)),
    gate=st.integers(0, 252),
)


@given(st.lists(BIRTHS, max_size=4).map(tuple), st.integers(0, 2**40))
def test_a_request_comes_back_as_it_was(births: tuple[Birth, ...], number: int) -> None:
    assert decode_fork(encode_fork(Fork(births, number))) == Fork(births, number)


@pytest.mark.parametrize(
    "report",
    [Ready(1.5), Refused("no\nluck \udcff"), Forked((12, 13), 0, 7), Forked((), 11)],
    ids=lambda each: str(each),
)
def test_a_report_comes_back_as_it_was(report: Ready | Refused | Forked) -> None:
    assert decode_report(encode_report(report)) == report


def test_a_refusal_of_any_length_fits_into_a_packet() -> None:
    found = decode_report(encode_report(Refused("é" * 10**6)))
    assert isinstance(found, Refused)
    assert len(encode_report(found)) < 100_000


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\xff", b"[]", b"7", b"null", b"{}", b'"ready"', b'{"ready": "soon"}', b'{"ready": null}'),
        *(
            b'{"forked": [], "errno": 0}',
            b'{"forked": 3, "errno": 0, "number": 1}',
            b'{"forked": [3]}',
            b'{"forked": ["3"], "errno": 0}',
        ),
        *(
            b'{"forked": [1], "errno": 0, "number": 1}',
            b'{"forked": [-5], "errno": 0, "number": 1}',
            b'{"forked": [true], "errno": 0, "number": 1}',
        ),
    ],
)
def test_what_is_no_report_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_report(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"fork": []}',
        b'{"fork": 3, "number": 1}',
        b'{"fork": [[1]], "number": 1}',
        b'{"fork": [[[], {}, [[1]], 0]], "number": 1}',
    ],
)
def test_what_is_no_request_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_fork(data)
