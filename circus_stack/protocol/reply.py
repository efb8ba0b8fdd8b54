"""An answer on its way to a client: made by the arbiter's side, read by the client's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from circus_stack.errors import CallError, Errno
from circus_stack.protocol.codec import decode, encode

Reply = dict[str, Any]
"""A reply as the wire has it: `status`, `time`, `id`, the fields of the command; of an error `reason` and `errno`."""

OK = "ok"
ERROR = "error"


def ok_reply(id: object, fields: Mapping[str, Any] | Sequence[Any] | None, time: float) -> bytes:
    """Success at `time` (seconds since the epoch). A list is wrapped as `results`; `fields` may replace `status`,
    as the status of one watcher does."""
    if fields is None:
        fields = {}
    if not isinstance(fields, Mapping):
        fields = {"results": list(fields)}
    return encode({"status": OK, "time": time, **fields, "id": id})


def error_reply(id: object, reason: str, errno: Errno, time: float) -> bytes:
    """Failure. `tb` is Circus's key for a traceback: the wire is no place for one, so that it is always null."""
    reply = {"status": ERROR, "reason": reason, "tb": None, "time": time, "errno": int(errno), "id": id}
    return encode(reply)


def parse_reply(data: bytes) -> Reply:
    """Read one frame; raises CallError for bytes that are no reply."""
    try:
        reply = decode(data)
    except ValueError as error:
        raise CallError(f"the answer is not JSON ({error}): is this the endpoint of an arbiter?") from None
    if not isinstance(reply, dict):
        raise CallError("the answer is not an object: is this the endpoint of an arbiter?")
    return reply


def is_error(reply: Reply) -> bool:
    """Whether a command failed. The `status` of one watcher stands in the same key: only "error" is a failure."""
    return reply.get("status") == ERROR
