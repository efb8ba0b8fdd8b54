"""Requests and replies: Circus's field names, and a clear word for everything else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circus_stack.errors import CallError, Errno
from circus_stack.protocol.reply import error_reply, is_error, ok_reply, parse_reply
from circus_stack.protocol.request import BadRequestError, Request, encode_request, parse_request
from tests.unit.protocol.test_codec import PLAIN


def test_a_request_has_the_fields_of_circus() -> None:
    data = encode_request(Request("incr", {"name": "web"}, "abc"))

    assert json.loads(data) == {"id": "abc", "command": "incr", "properties": {"name": "web"}}


def test_a_cast_says_so() -> None:
    data = encode_request(Request("incr", {}, "abc", is_cast=True))

    assert json.loads(data)["msg_type"] == "cast"
    assert parse_request(data).is_cast


def test_a_request_survives_the_journey() -> None:
    request = Request("set", {"name": "web", "options": {"x": [1, None]}}, "abc")

    assert parse_request(encode_request(request)) == request


def test_the_command_is_read_in_any_case() -> None:
    assert parse_request(b'{"id": 1, "command": "LIST"}').command == "list"


@pytest.mark.parametrize("id", ["7", 7, None, [1], {"a": 1}])
def test_the_id_comes_back_whatever_it_is(id: Any) -> None:
    request = parse_request(json.dumps({"id": id, "command": "list"}).encode())

    assert json.loads(ok_reply(request.id, None, 1.5)) == {"status": "ok", "time": 1.5, "id": id}


@pytest.mark.parametrize(
    ("data", "errno", "words"),
    [
        (b"garbage", Errno.INVALID_JSON, "json invalid"),
        (b"", Errno.INVALID_JSON, "json invalid"),
        (b"[]", Errno.MESSAGE_ERROR, "an object is expected, found an array"),
        (b"null", Errno.MESSAGE_ERROR, "found null"),
        (b"true", Errno.MESSAGE_ERROR, "found a boolean"),
        (b'"list"', Errno.MESSAGE_ERROR, "found a text"),
        (b"{}", Errno.MESSAGE_ERROR, "'command' must be a text, found nothing"),
        (b'{"command": 5}', Errno.MESSAGE_ERROR, "'command' must be a text, found a number"),
        (b'{"command": "list", "properties": []}', Errno.MESSAGE_ERROR, "'properties' must be an object"),
    ],
)
def test_what_is_no_request_is_told(data: bytes, errno: Errno, words: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_request(data)

    assert words in str(caught.value)
    assert caught.value.errno is errno


def test_a_bad_request_keeps_the_id_that_could_be_read() -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_request(b'{"id": "abc"}')

    assert caught.value.id == "abc"


@given(st.binary() | PLAIN.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_request_or_a_bad_one(data: bytes) -> None:
    try:
        assert isinstance(parse_request(data), Request)
    except BadRequestError as error:
        assert str(error)


def test_an_error_has_the_fields_of_circus() -> None:
    reply = json.loads(error_reply("abc", "no such thing", Errno.MESSAGE_ERROR, 2.0))

    assert reply == {
        "status": "error",
        "reason": "no such thing",
        "tb": None,
        "time": 2.0,
        "errno": 3,
        "id": "abc",
    }
    assert is_error(reply)


def test_a_list_is_wrapped_as_results() -> None:
    assert json.loads(ok_reply(1, ["a", "b"], 0.0))["results"] == ["a", "b"]


def test_a_command_may_replace_the_status() -> None:
    reply = parse_reply(ok_reply(1, {"status": "stopped"}, 0.0))

    assert reply["status"] == "stopped"
    assert not is_error(reply)


@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad Request", b"[]", b""])
def test_what_is_no_reply_is_told(data: bytes) -> None:
    with pytest.raises(CallError, match="is this the endpoint of an arbiter"):
        parse_reply(data)
