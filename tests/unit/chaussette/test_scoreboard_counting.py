"""The layer that counts requests: what it hands on is what it got, and every request ends once."""

from __future__ import annotations

import gc
import io
from typing import Any
from wsgiref.util import FileWrapper

import pytest

from chaussette.scoreboard.counting import scored
from chaussette.scoreboard.layout import BEGUN, FAILURES, SENT, SLOT_BYTES, STATUSES


class Call:
    """One request through the layer."""

    def __init__(self, result: Any, status: str = "200 OK", length: str | None = None, **environ: Any) -> None:
        self.words = memoryview(bytearray(SLOT_BYTES)).cast("q")
        headers = [] if length is None else [("content-length", length)]

        def app(_environ: Any, start_response: Any) -> Any:
            self.in_flight_inside = self.counted[1]
            self.write = start_response(status, headers)
            if isinstance(result, BaseException):
                raise result
            return result

        self.result = lambda: scored(app, self.words, 0)({"REQUEST_METHOD": "GET", **environ}, self.start_response)

    def start_response(self, *given: Any) -> Any:
        self.given = given
        return print

    @property
    def counted(self) -> tuple[int, int, int]:
        over = sum(self.words[STATUSES : STATUSES + 6])
        return over, self.words[BEGUN] - over, self.words[SENT]


@pytest.mark.parametrize("body", [[b"abc"], [b"a", b"bc"], (b"abc",), []])
def test_a_list_goes_through_untouched(body: Any) -> None:
    call = Call(body)
    assert call.result() is body
    assert call.counted == (1, 0, sum(map(len, body)))
    assert (call.in_flight_inside, call.write) == (1, print)
    assert call.given == ("200 OK", [])
    assert call.words[STATUSES + 2] == 1


def test_a_list_of_nonsense_is_the_servers_to_refuse() -> None:
    body = [3]
    call = Call(body)
    assert call.result() is body
    assert call.counted == (1, 0, 0)


def test_the_body_of_a_head_is_not_sent() -> None:
    call = Call([b"abc"], REQUEST_METHOD="HEAD")
    call.result()
    assert call.counted == (1, 0, 0)


def test_a_streamed_body_is_counted_when_it_is_closed() -> None:
    closed = []

    class Body:
        def __iter__(self) -> Any:
            return iter([b"ab", b"c"])

        def close(self) -> None:
            closed.append(1)

    call = Call(Body())
    found = call.result()
    assert list(found) == [b"ab", b"c"]
    assert call.counted == (0, 1, 0)
    found.close()
    found.close()
    assert call.counted == (1, 0, 3)
    assert closed == [1, 1]


def test_a_body_that_nobody_closes_is_not_in_flight_for_ever() -> None:
    call = Call(iter([b"abc"]))
    found = call.result()
    del found
    gc.collect()
    assert call.counted == (1, 0, 0)


def test_a_body_with_a_length_keeps_it() -> None:
    class Sized:
        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Any:
            return iter([b"abc"])

    found = Call(Sized()).result()
    assert len(found) == 1
    assert not hasattr(Call(iter([])).result(), "__len__")


def test_a_file_wrapper_stays_what_it_is() -> None:
    file = io.BytesIO(b"abc")
    wrapper = FileWrapper(file)
    call = Call(wrapper, length="3", **{"wsgi.file_wrapper": FileWrapper})
    assert call.result() is wrapper
    assert call.counted == (0, 1, 0)
    wrapper.close()
    assert file.closed
    assert call.counted == (1, 0, 3)


def test_a_file_wrapper_made_by_c_is_counted_when_it_is_returned() -> None:
    class FileWrapper:
        __slots__ = ()

    wrapper = FileWrapper()
    call = Call(wrapper, length="nonsense", **{"wsgi.file_wrapper": len})
    assert call.result() is wrapper
    assert call.counted == (1, 0, 0)


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_what_the_application_raises_is_counted_and_passes(error: BaseException) -> None:
    call = Call(error)
    with pytest.raises(type(error)) as raised:
        call.result()
    assert raised.value is error
    assert call.counted == (1, 0, 0)
    assert (call.words[STATUSES + 5], call.words[FAILURES]) == (1, 1)


def test_a_status_that_is_none_has_a_place_of_its_own() -> None:
    call = Call([b""], status="nonsense")
    call.result()
    assert call.words[STATUSES] == 1
