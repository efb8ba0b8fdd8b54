"""As whom a request is judged: by its key, or as less where it asks for that."""

from __future__ import annotations

import pytest

from circus_stack.control.authority import Authority
from circus_stack.errors import CommandError, Errno
from circus_stack.protocol.codec import encode
from circus_stack.protocol.commands import COMMANDS
from circus_stack.protocol.keys import AuthorizedKey
from circus_stack.protocol.request import BadRequestError, Request, encode_request, parse_request
from circus_stack.protocol.roles import Role

_KEY = "k" * 40


def authority(role: Role) -> Authority:
    return Authority([AuthorizedKey(role=role, public=_KEY, name="ann")])


@pytest.mark.parametrize("asked_as", [None, *Role])
def test_a_program_of_this_user_may_ask_as_less(asked_as: Role | None) -> None:
    found = Authority().check(COMMANDS["status"], None, asked_as)
    assert found is (asked_as or Role.ADMIN)


@pytest.mark.parametrize("asked_as", list(Role))
def test_nobody_may_ask_as_more_than_the_key_gives(asked_as: Role) -> None:
    assert authority(Role.VIEW).check(COMMANDS["status"], _KEY, asked_as) is Role.VIEW
    with pytest.raises(CommandError) as caught:
        authority(Role.VIEW).check(COMMANDS["stop"], _KEY, asked_as)
    assert caught.value.errno is Errno.NOT_ALLOWED


def test_what_is_asked_as_less_is_refused_as_less() -> None:
    with pytest.raises(CommandError, match="set needs the role admin, not operate") as caught:
        Authority().check(COMMANDS["set"], None, Role.OPERATE)
    assert caught.value.errno is Errno.NOT_ALLOWED


@pytest.mark.parametrize("role", [None, *Role])
def test_a_request_carries_its_role(role: Role | None) -> None:
    assert parse_request(encode_request(Request("status", {}, "1", role=role))).role is role


@pytest.mark.parametrize("role", ["root", 5, [], {}, "", "ADMIN"])
def test_a_role_that_is_none_is_refused_and_never_taken_for_nothing(role: object) -> None:
    with pytest.raises(BadRequestError, match="'role' must be one of view, operate, admin"):
        parse_request(encode({"id": "1", "command": "status", "properties": {}, "role": role}))
