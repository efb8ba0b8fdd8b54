"""What a ledger says, read whole: the facts as values of their types. Looks at nothing but the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from circus_stack.arbiter.adoption.facts import (
    DECLARED,
    FORMAT,
    GROUPS,
    HEAD,
    JOB,
    PROCESS,
    RELEASED,
    SOCKET,
    SPARED,
    WATCHER,
    Head,
    JobFact,
    ProcessFact,
    ReleasedFact,
    SocketFact,
    WatcherFact,
)
from circus_stack.arbiter.adoption.ledger import read_facts
from circus_stack.arbiter.control_groups import ControlGroupsRecord
from circus_stack.config.schema import StackConfig
from circus_stack.config.values import KillMode

T = TypeVar("T")


class Legacy(Struct, frozen=True, kw_only=True):
    """An arbiter as it was when it was killed; `processes` by token."""

    head: Head
    declared: StackConfig
    watchers: tuple[WatcherFact, ...] = ()
    processes: Mapping[str, ProcessFact]
    sockets: tuple[SocketFact, ...] = ()
    jobs: tuple[JobFact, ...] = ()
    released: tuple[ReleasedFact, ...] = ()
    spared_tokens: frozenset[str] = frozenset()
    control_groups: ControlGroupsRecord = ControlGroupsRecord()

    def spares(self, token: str) -> bool:
        """Whether what the process with that token has detached may live on."""
        if token in self.spared_tokens:
            return True
        return token in self.processes and self.kill_mode(self.processes[token]) is not KillMode.ALL

    def kill_mode(self, process: ProcessFact) -> KillMode:
        """How far the end of a process goes."""
        configs = (each.record.config for each in self.watchers)
        return next((each.kill_mode for each in configs if each.name == process.watcher), KillMode.ALL)


class LegacyError(Exception):
    """A ledger that says something and cannot be understood."""


def read_legacy(data: bytes, boot: str, with_own_types: Callable[[StackConfig], StackConfig]) -> Legacy | None:
    """What the arbiter has left; None where it is of another life of the machine, or the journal was begun and no more.
    `with_own_types` gives options the types that their recipes declare.

    Raises LegacyError for another format, and for what doesn't have the shape of a fact.
    """
    facts = read_facts(data)
    if HEAD not in facts or DECLARED not in facts:
        return None
    head = _decode(HEAD, facts[HEAD], Head)
    if head.boot != boot:
        return None
    if head.format != FORMAT:
        raise LegacyError(f"it is of format {head.format}, and this version reads {FORMAT}")
    return Legacy(
        head=head,
        declared=with_own_types(_decode(DECLARED, facts[DECLARED], StackConfig)),
        watchers=_all(facts, WATCHER, WatcherFact),
        processes={
            name.removeprefix(PROCESS): _decode(name, value, ProcessFact)
            for name, value in facts.items()
            if name.startswith(PROCESS)
        },
        sockets=_all(facts, SOCKET, SocketFact),
        jobs=_all(facts, JOB, JobFact),
        released=_all(facts, RELEASED, ReleasedFact),
        spared_tokens=frozenset(name.removeprefix(SPARED) for name in facts if name.startswith(SPARED)),
        control_groups=next(iter(_all(facts, GROUPS, ControlGroupsRecord)), ControlGroupsRecord()),
    )


def without(legacy: Legacy, tokens: frozenset[str]) -> Legacy:
    """The same, had there not been these processes."""
    return replace(legacy, processes={token: each for token, each in legacy.processes.items() if token not in tokens})


def _all(facts: Mapping[str, msgspec.Raw], kind: str, type_: type[T]) -> tuple[T, ...]:
    return tuple(_decode(name, value, type_) for name, value in facts.items() if name.startswith(kind))


def _decode(name: str, value: msgspec.Raw, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(value, type=type_)
    except msgspec.DecodeError as error:
        raise LegacyError(f"{name}: {error}") from None
