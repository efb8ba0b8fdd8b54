"""Who of an arbiter that was killed still lives, for certain, and who runs for it without standing in its ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from circus_stack.arbiter.adoption.facts import ProcessFact
from circus_stack.arbiter.adoption.legacy import Legacy
from circus_stack.arbiter.marker import MARKER_VARIABLE, parse_markers
from circus_stack.config.values import KillMode
from circus_stack.system.foreign_fds import holders
from circus_stack.system.marked import marked_processes
from circus_stack.system.process_stamp import Stamp, Standing, process_table

Table = Mapping[int, Standing]


class Living(Struct, frozen=True):
    """`known` by token. `unknown` lead sessions of their own and stand in no ledger: started in the very last moment.
    `strays` by the leader of their group, which has died."""

    known: Mapping[str, Stamp]
    unknown: tuple[Stamp, ...]
    strays: Mapping[int, tuple[Stamp, ...]]

    def count(self) -> int:
        """How many processes there are that an arbiter had started."""
        return len(self.known) + len(self.unknown)


def find_marked(instance: str) -> tuple[Stamp, ...]:
    """Whoever has a marker of the stack and leads a session: all that is known where there is no ledger."""
    table = {each.stamp.pid: each for each in process_table() if not each.has_ended}
    return tuple(table[pid].stamp for pid in _tokens(instance, table) if pid == table[pid].session)


def find_living(legacy: Legacy) -> Living:
    """Look through /proc."""
    table = {each.stamp.pid: each for each in process_table() if not each.has_ended}
    tokens = _tokens(legacy.head.instance, table)
    known = {token: each for token, each in _known(legacy, table, tokens) if each.started >= legacy.head.began}
    released = {each.pid for each in legacy.released if Stamp(each.pid, each.started) == _stamp(table, each.pid)}
    accounted = {each.pid for each in known.values()} | released
    unknown = [
        table[pid].stamp
        for pid in tokens
        if pid == table[pid].session
        and pid not in accounted
        and table[pid].stamp.started >= legacy.head.began
        # What left the session of a process that lives is that one's affair, as it was before.
        and tokens[pid] not in known
        and not legacy.spares(tokens[pid])
    ]
    return Living(
        known, tuple(unknown), _strays(legacy, table, tokens) | _strays_of_nameless(legacy, table, tokens, known)
    )


def _tokens(instance: str, table: Table) -> dict[int, str]:
    """pid -> token of its marker, of all that were started by this stack or descend from who was."""
    found = {}
    for pid, value in marked_processes(MARKER_VARIABLE).items():
        own = [marker for marker in parse_markers(value) if marker.instance == instance]
        if own and pid in table:
            found[pid] = own[-1].token
    return found


def _known(legacy: Legacy, table: Table, tokens: Mapping[int, str]) -> Iterable[tuple[str, Stamp]]:
    unnamed = {}
    for token, fact in legacy.processes.items():
        if not fact.started:
            unnamed[token] = fact
        elif _stamp(table, fact.record.pid) == Stamp(fact.record.pid, fact.started):
            yield token, table[fact.record.pid].stamp
    if unnamed:
        yield from _search(unnamed, table, tokens)


def _search(unnamed: Mapping[str, ProcessFact], table: Table, tokens: Mapping[int, str]) -> Iterable[tuple[str, Stamp]]:
    """Those that were about to start: by their marker, or, since a program may have written over that, by the pipes
    that nobody but the arbiter and they ever held."""
    leaders = {token: pid for pid, token in tokens.items() if pid == table[pid].session}
    by_pipe = {name: token for token, fact in unnamed.items() for name in fact.pipes.values()}
    missing = {name for name, token in by_pipe.items() if token not in leaders}
    for pid, name, _number in holders(missing):
        if pid in table and pid == table[pid].session:
            leaders.setdefault(by_pipe[name], pid)
    for token in unnamed:
        if token in leaders:
            yield token, table[leaders[token]].stamp


def _strays(legacy: Legacy, table: Table, tokens: Mapping[int, str]) -> dict[int, tuple[Stamp, ...]]:
    """What is left of the groups of those that have died: they would have been ended with it."""
    gone = (fact for fact in legacy.processes.values() if fact.started and fact.record.pid not in table)
    dead = {fact.record.pid for fact in gone if legacy.kill_mode(fact) is not KillMode.PROCESS}
    return {pid: found for pid in dead if (found := _members(pid, table, tokens))}


def _strays_of_nameless(
    legacy: Legacy, table: Table, tokens: Mapping[int, str], known: Collection[str]
) -> dict[int, tuple[Stamp, ...]]:
    """The same of those whose number was not written yet: the marker tells whose they were."""
    gone = {
        token
        for token, fact in legacy.processes.items()
        if not fact.started and token not in known and legacy.kill_mode(fact) is not KillMode.PROCESS
    }
    groups = {table[pid].group for pid, token in tokens.items() if token in gone and pid != table[pid].session}
    return {group: _members(group, table, tokens) for group in groups if group not in table}


def _members(group: int, table: Table, tokens: Collection[int]) -> tuple[Stamp, ...]:
    return tuple(each.stamp for pid, each in table.items() if each.group == group and pid in tokens)


def _stamp(table: Table, pid: int) -> Stamp | None:
    return table[pid].stamp if pid in table else None
