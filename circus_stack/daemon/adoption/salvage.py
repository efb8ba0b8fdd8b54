"""An arbiter to go on with, out of a ledger and what lives: looks, and opens; ends nobody, and binds nothing.

A process is taken over if it is still itself and what it writes can be read. Those that can't be are told apart: they
are to be ended, lest they run beside their successors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from circus_stack.arbiter.adoption.belongings import Belongings, NotAllowedError
from circus_stack.arbiter.adoption.facts import ProcessFact, SocketFact
from circus_stack.arbiter.adoption.legacy import Legacy
from circus_stack.arbiter.adoption.living import Living
from circus_stack.arbiter.adoption.settling import Settlement, settle
from circus_stack.arbiter.handover.record import ArbiterRecord, LanesRecord, SocketRecord
from circus_stack.config.schema import SocketConfig, WatcherConfig
from circus_stack.streams.block import StreamName
from circus_stack.streams.capture import STREAM_NAMES
from circus_stack.streams.record import CaptureRecord, PipeRecord, StreamsRecord
from circus_stack.system.process_stamp import Stamp


class Salvage(Struct, frozen=True, kw_only=True):
    """`lost` are sockets that nobody holds any more: to be bound anew. `to_end` are processes that can't be taken over,
    `strays` what is left of the groups of those that have died."""

    arbiter: ArbiterRecord
    streams: StreamsRecord
    settlement: Settlement
    lost: tuple[SocketConfig, ...] = ()
    to_end: tuple[Stamp, ...] = ()
    strays: tuple[Stamp, ...] = ()


def salvage(
    legacy: Legacy,
    found: Living,
    kept: Mapping[str, int],
    unwritten: Mapping[tuple[int, StreamName], bytes],
    now: float,
) -> Salvage:
    """Take over what can be. `kept` are descriptors of ours, by name, that a keeper has kept; `unwritten` by pid and
    stream is what the arbiter had read, and not written yet; `now` is monotonic.

    Raises NotAllowedError, with nothing left open, where a listening socket is held and can't be had.
    """
    belongings = Belongings(found.known.values(), kept)
    opened: list[int] = []
    try:
        sockets, lost = _sockets(legacy, belongings, opened.append)
    except NotAllowedError:
        for fd in (*opened, *belongings.rest()):
            os.close(fd)
        raise
    names = {each.record.config.name: each.record.config for each in legacy.watchers}
    mine = {token: legacy.processes[token] for token in found.known if legacy.processes[token].watcher in names}
    belongings.look_further(name for fact in mine.values() for name in fact.pipes.values())
    captures, refused = [], set()
    for token, fact in mine.items():
        try:
            captures.append(_capture(fact, found.known[token], belongings, unwritten))
        except NotAllowedError:
            refused.add(token)
    for fd in belongings.rest():
        os.close(fd)
    taken = {token: (fact, found.known[token]) for token, fact in mine.items() if token not in refused}
    gone = [fact for token, fact in legacy.processes.items() if token not in taken]
    watchers, settlement = settle(legacy.watchers, taken, legacy.jobs, now, gone=gone)
    return Salvage(
        arbiter=ArbiterRecord(
            declared=legacy.declared,
            watchers=watchers,
            sockets=sockets,
            released=tuple(each.pid for each in legacy.released),
            spared_tokens=_spared(legacy, taken),
            control_groups=legacy.control_groups,
        ),
        streams=StreamsRecord(captures=tuple(_with_streams(each, names) for each in captures if each.pipes)),
        settlement=settlement,
        lost=lost,
        to_end=(*found.unknown, *(stamp for token, stamp in found.known.items() if token not in taken)),
        strays=tuple(stamp for group in found.strays.values() for stamp in group),
    )


def _with_streams(capture: CaptureRecord, configs: Mapping[str, WatcherConfig]) -> CaptureRecord:
    config = configs[capture.watcher]
    return replace(capture, stdout_stream=config.stdout_stream, stderr_stream=config.stderr_stream)


def _spared(legacy: Legacy, taken: Collection[str]) -> tuple[str, ...]:
    """The tokens of those that are gone, and whose strays may live on."""
    gone = {token for token in legacy.processes if token not in taken and legacy.spares(token)}
    return tuple(sorted(legacy.spared_tokens | gone))


def _capture(
    fact: ProcessFact, stamp: Stamp, belongings: Belongings, unwritten: Mapping[tuple[int, StreamName], bytes]
) -> CaptureRecord:
    pipes = []
    for stream in STREAM_NAMES:
        if stream not in fact.pipes:
            continue
        name = fact.pipes[stream]
        fd = belongings.pipe(name)
        if fd is not None:
            pipes.append(PipeRecord(stream=stream, fd=fd, unwritten=unwritten.get((stamp.pid, stream), b"")))
        elif not belongings.can_see(stamp.pid):
            raise NotAllowedError(f"what process {stamp.pid} holds cannot be seen")
    return CaptureRecord(watcher=fact.watcher, wid=fact.record.wid, pid=stamp.pid, pipes=tuple(pipes))


# -- sockets ------------------------------------------------------------------------------------------------------


def _sockets(
    legacy: Legacy, belongings: Belongings, on_opened: Callable[[int], None]
) -> tuple[tuple[SocketRecord, ...], tuple[SocketConfig, ...]]:
    belongings.look_further(name for fact in legacy.sockets for name in fact.names.values())
    records, lost = [], []
    for fact in legacy.sockets:
        fds: dict[int, int] = {}
        for number, name in fact.names.items():
            fd = belongings.socket(name)
            if fd is not None:
                on_opened(fd)
                fds[number] = fd
        if fds:
            records.append(_renumbered(fact, fds))
        else:
            lost.append(fact.record.config)
    return tuple(records), tuple(lost)


def _renumbered(fact: SocketFact, fds: Mapping[int, int]) -> SocketRecord:
    """The record with our descriptors; without those of lanes that were lost with their process."""
    record = fact.record
    first = fds.get(record.fd, next(iter(fds.values())))
    if record.lanes is None:
        return replace(record, fd=first)
    lanes = LanesRecord(
        group=tuple(fds[each] for each in record.lanes.group if each in fds),
        lanes=tuple(replace(each, fd=fds[each.fd]) for each in record.lanes.lanes if each.fd in fds),
        wanted=record.lanes.wanted,
    )
    return replace(record, fd=first, lanes=lanes)
