"""A command on its way to the arbiter: the record, and its way to and from bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from circus_stack.errors import CommandError, Errno
from circus_stack.protocol.codec import decode, encode
from circus_stack.protocol.roles import Role

CAST = "cast"
# What an id may take as JSON, in bytes: Circus's clients send 34.
MAX_ID = 1024


class Request(Struct, frozen=True):
    """One command. `id` comes back with the reply, whatever JSON value it is; a cast has no reply. With `role` it is
    judged and answered as if the sender had no more than that: a program says so of a person for whom it asks."""

    command: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    id: Any = None
    is_cast: bool = False
    role: Role | None = None


class BadRequestError(CommandError):
    """Bytes that are no request. `id` is the sender's, as far as it could be read."""

    def __init__(self, reason: str, errno: Errno = Errno.MESSAGE_ERROR, id: Any = None) -> None:
        self.id = id
        super().__init__(reason, errno)


def encode_request(request: Request) -> bytes:
    """The one frame that Circus expects."""
    message: dict[str, Any] = {
        "id": request.id,
        "command": request.command,
        "properties": dict(request.properties),
    }
    if request.is_cast:
        message["msg_type"] = CAST
    if request.role is not None:
        message["role"] = str(request.role)
    return encode(message)


def parse_request(data: bytes) -> Request:
    """Read one frame. Raises BadRequestError; fields that are not ours are ignored."""
    try:
        message = decode(data)
    except ValueError:
        raise BadRequestError("json invalid", Errno.INVALID_JSON) from None
    if not isinstance(message, dict):
        raise BadRequestError(f"message invalid: an object is expected, found {_kind(message)}")
    return _request_of(message)


def _request_of(message: dict[str, Any]) -> Request:
    id = message.get("id")
    if len(encode(id)) > MAX_ID:
        # It is sent back with the reply, and replies may have to wait.
        raise BadRequestError(f"message invalid: 'id' is longer than {MAX_ID} bytes")
    command = message.get("command")
    if not isinstance(command, str):
        found = "nothing" if command is None else _kind(command)
        raise BadRequestError(f"message invalid: 'command' must be a text, found {found}", id=id)
    properties = message.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        raise BadRequestError(f"message invalid: 'properties' must be an object, found {_kind(properties)}", id=id)
    return Request(command.lower(), properties, id, message.get("msg_type") == CAST, _role(message.get("role"), id))


def _role(value: object, id: Any) -> Role | None:
    if value is None:
        return None
    try:
        return Role(str(value))
    except ValueError:
        # To take it for nothing would be to give more than was asked for.
        legal = ", ".join(Role)
        raise BadRequestError(f"message invalid: 'role' must be one of {legal}", id=id) from None


def _kind(value: object) -> str:
    """JSON's word for the type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "an array"
        case _:
            return "an object"
