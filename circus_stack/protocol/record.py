"""What a running stack says of itself in its runtime directory, for clients that look for it. Bytes <-> record."""

from __future__ import annotations

from msgspec import Struct, convert
from msgspec.structs import asdict

from circus_stack.protocol.codec import decode, encode


class StackRecord(Struct, frozen=True, kw_only=True):
    """A stack and its endpoints. `source` is the file's real path, or `app:SPEC`; `started_at` seconds since the epoch.

    An endpoint that a stack doesn't have is empty. `state_dir` is where it keeps what outlives a run.
    """

    id: str
    name: str
    source: str
    pid: int
    started_at: float
    endpoint: str
    pubsub_endpoint: str = ""
    logs_endpoint: str = ""
    stats_endpoint: str = ""
    stats_query_endpoint: str = ""
    version: str = ""
    state_dir: str = ""


def encode_record(record: StackRecord) -> bytes:
    """One JSON object."""
    return encode(asdict(record))


def parse_record(data: bytes) -> StackRecord:
    """Read what `encode_record` wrote. Raises ValueError; fields of a newer version are ignored."""
    return convert(decode(data), StackRecord)
