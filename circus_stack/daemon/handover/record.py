"""The whole of what one arbiter hands to the next, and its bytes. Opens nothing.

JSON, since the two may be of different versions of the code: a field that one of them doesn't know is left aside, one
that is missing has its default. `FORMAT` grows only where that would give a wrong state.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field, structs

from circus_stack import services
from circus_stack.arbiter.handover.record import ArbiterRecord
from circus_stack.config.schema import PluginConfig, ServiceConfig, StackConfig, WatcherConfig
from circus_stack.errors import HandoverError
from circus_stack.streams.record import StreamsRecord

FORMAT = 1
# The oldest format that can still be read.
OLDEST_FORMAT = 1


class ControlRecord(Struct, frozen=True, kw_only=True):
    """The endpoints as they are bound, with the port that the kernel gave for 0; the number of the newest event, that
    of the newest log line, and of the newest of each stream that somebody has heard of."""

    endpoint: str
    pubsub_endpoint: str
    logs_endpoint: str
    seq: int = 0
    log_seq: int = 0
    log_topics: Mapping[str, int] = field(default_factory=dict)


class PlaceRecord(Struct, frozen=True, kw_only=True):
    """Directories; the descriptors of the lock, of the notify socket and of its file; the limits of open files that the
    arbiter was started with, where it has raised them; when the stack was started, in seconds since the epoch; the
    descriptor of the ledger's lock, where there is a ledger, and that of the scoreboard."""

    runtime_dir: str
    state_dir: str
    lock_fd: int
    notify_fd: int
    notify_path_fd: int
    given_limits: tuple[int, int] | None = None
    started_at: float = 0.0
    ledger_lock_fd: int | None = None
    scoreboard_fd: int | None = None

    def fds(self) -> Iterator[int]:
        """Its descriptors."""
        yield from (self.lock_fd, self.notify_fd, self.notify_path_fd)
        if self.ledger_lock_fd is not None:
            yield self.ledger_lock_fd
        if self.scoreboard_fd is not None:
            yield self.scoreboard_fd


class HandoverRecord(Struct, frozen=True, kw_only=True):
    """One arbiter, whole. `version` is that of its code. Without `control` and `place`, endpoints, lock and notify
    socket are made anew: they went with an arbiter that was killed."""

    pid: int
    version: str
    arbiter: ArbiterRecord
    streams: StreamsRecord
    control: ControlRecord | None = None
    place: PlaceRecord | None = None
    format: int = FORMAT

    def fds(self) -> frozenset[int]:
        """All descriptors that go with it."""
        mine = () if self.place is None else self.place.fds()
        return frozenset((*self.arbiter.fds(), *self.streams.fds(), *mine))

    def configs(self) -> list[WatcherConfig]:
        """What each watcher runs with."""
        return [each.config for each in self.arbiter.watchers]


class _Head(Struct, frozen=True):
    """What tells whether the rest can be read at all."""

    format: int
    version: str = ""


def encode_handover(record: HandoverRecord) -> bytes:
    """The bytes. Raises HandoverError where a configuration holds what has no text: an object, another encoding."""
    try:
        return msgspec.json.encode(record)
    except (TypeError, ValueError) as error:
        raise HandoverError(f"the state of this arbiter cannot be written down: {error}") from error


def decode_handover(data: bytes) -> HandoverRecord:
    """Read what `encode_handover` wrote, perhaps of another version. Raises HandoverError."""
    try:
        head = msgspec.json.decode(data, type=_Head)
        if not OLDEST_FORMAT <= head.format <= FORMAT:
            known = f"{OLDEST_FORMAT} to {FORMAT}" if OLDEST_FORMAT < FORMAT else f"{FORMAT}"
            raise HandoverError(
                f"the state is of format {head.format} (circus-stack {head.version}); this code reads format {known}"
            )
        record = msgspec.json.decode(data, type=HandoverRecord)
        declared = with_own_types(record.arbiter.declared)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise HandoverError(f"the state that was handed over cannot be read: {error}") from error
    return structs.replace(record, arbiter=structs.replace(record.arbiter, declared=declared))


# -- values whose type stands elsewhere -------------------------------------------------------------------------------


def with_own_types(stack: StackConfig) -> StackConfig:
    """Records of recipes and values of a watcher's options, which have the type of their declaration."""
    return dataclasses.replace(
        stack,
        services=tuple(map(_typed_service, stack.services)),
        plugins=tuple(map(_typed_plugin, stack.plugins)),
    )


def _typed_service(service: ServiceConfig) -> ServiceConfig:
    options: object = msgspec.convert(service.options, services.KINDS[service.kind])
    return dataclasses.replace(service, options=options, watcher=_typed_options(service.watcher))


def _typed_plugin(plugin: PluginConfig) -> PluginConfig:
    return dataclasses.replace(plugin, watcher=_typed_options(plugin.watcher))


def _typed_options(values: Mapping[str, object]) -> dict[str, Any]:
    types = typing.get_type_hints(WatcherConfig)
    # An option that this version doesn't have any more is left aside, as everywhere.
    return {name: msgspec.convert(value, types[name]) for name, value in values.items() if name in types}
