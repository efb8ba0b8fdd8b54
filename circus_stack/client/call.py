"""What blocking and asyncio clients share: making a request, and judging what came back. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from circus_stack.errors import CallError, CommandError, Errno, NoAnswerError
from circus_stack.protocol.codec import MAX_MESSAGE
from circus_stack.protocol.reply import Reply, is_error, parse_reply
from circus_stack.protocol.request import Request, encode_request
from circus_stack.protocol.roles import Role

# Circus's own default, in seconds.
TIMEOUT_S = 5.0
# How long the end of a connection waits for a cast that is still on its way.
CAST_LINGER_MS = 1000


def new_identity() -> bytes:
    """How a client is known to the arbiter: Circus's form, 32 hex digits."""
    return uuid.uuid4().hex.encode()


def new_request(
    command: str, properties: Mapping[str, Any], *, is_cast: bool = False, role: Role | None = None
) -> tuple[str, bytes]:
    """A request's id and its frame. Raises CallError for one that the arbiter would drop unread."""
    id = uuid.uuid4().hex
    data = encode_request(Request(command, properties, id, is_cast, role))
    if len(data) > MAX_MESSAGE:
        raise CallError(f"the command {command!r} has {len(data)} bytes, an arbiter takes {MAX_MESSAGE} at most")
    return id, data


def matching_reply(frames: list[bytes], id: str) -> Reply | None:
    """The reply to a request; None for one to an earlier request that was given up. Raises CallError for garbage."""
    reply = parse_reply(frames[-1])
    # An arbiter that could not read a request answers without its id: that, too, is our answer.
    return reply if reply.get("id") in (id, None) else None


def timeout_error(command: str, endpoint: str, timeout_s: float, *, is_there: bool = False) -> CallError:
    """What to say when no answer came; a NoAnswerError where somebody was there to give one."""
    why = "whoever listens there is busy" if is_there else "nothing listens there"
    return (NoAnswerError if is_there else CallError)(
        f"no answer to {command!r} from {endpoint} within {timeout_s:g} s: "
        f"{why}, or the operation takes longer (it goes on; a longer timeout waits for it)"
    )


def checked(reply: Reply) -> Reply:
    """The reply, if it is no error; otherwise raises CommandError with its reason and errno."""
    if not is_error(reply):
        return reply
    number = reply.get("errno")
    errno = Errno(number) if isinstance(number, int) and number in set(Errno) else Errno.NOT_SPECIFIED
    raise CommandError(str(reply.get("reason") or "the arbiter gave no reason"), errno)
