"""What is to become of the watchers of an arbiter that was killed in the midst of things. Pure: values in, values out.

What was asked for goes on: a start starts the rest, a stop stops the rest. A reload whose new generation is complete
has happened; one whose isn't is taken back, and asked for again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from circus_stack.arbiter.adoption.facts import JobFact, ProcessFact, WatcherFact
from circus_stack.arbiter.handover.record import ProcessRecord, WatcherRecord
from circus_stack.arbiter.order import dependencies
from circus_stack.arbiter.runs import RunResult, is_run_again
from circus_stack.config.precedence import closure
from circus_stack.config.values import ReadinessForm
from circus_stack.states import ProcessState, WatcherState
from circus_stack.system.process_stamp import Stamp

_SERVING = (ProcessState.STARTING, ProcessState.READY)
# Those whose interrupted half is done again. What else was under way has happened or hasn't, as far as it got.
_STARTS, _STOPS, _RELOADS = ("start", "restart"), ("stop",), ("reload", "reloadconfig")


class Settlement(Struct, frozen=True):
    """What is to be done once the watchers go on: `surplus` are pids by watcher of who is one too many; the rest are
    names of watchers. A watcher may be both to stop and to start: in that order."""

    surplus: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    to_stop: tuple[str, ...] = ()
    to_start: tuple[str, ...] = ()
    to_reload: tuple[str, ...] = ()
    # Of watchers whose processes run to their end: slots of those whose end nobody has seen.
    unseen: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def settle(
    watchers: Iterable[WatcherFact],
    living: Mapping[str, tuple[ProcessFact, Stamp]],
    jobs: Sequence[JobFact],
    now: float,
    *,
    gone: Iterable[ProcessFact] = (),
) -> tuple[tuple[WatcherRecord, ...], Settlement]:
    """The watchers to begin with, and what they then have to do. `living` by token, `now` in monotonic seconds;
    `gone` are processes whose end nobody has seen."""
    unseen = tuple(gone)
    records, surplus, interrupted, waiting, unseen_runs = [], {}, [], [], {}
    for fact in watchers:
        name = fact.record.config.name
        found = [_record(fact, each, stamp, now) for each, stamp in living.values() if each.watcher == name]
        record = _with_generation(fact, found)
        if record.generation == fact.retiring:
            interrupted.append(name)
        surplus[name] = _surplus(record, found)
        superseded = record.superseded if record.superseded in {each.pid for each in found} else None
        record = replace(record, processes=tuple(found), superseded=superseded)
        lost = [each.record for each in unseen if each.watcher == name]
        if _waits_for_others(record, lost):
            # Begun again, it waits again: as one that starts already, it would wait for nobody.
            waiting.append(name)
            record = replace(record, state=WatcherState.STOPPED)
        wids = _unseen_runs(record, lost)
        if wids:
            unseen_runs[name] = wids
            record = _with_unseen(record, wids)
        records.append(record)
    settlement = _settlement(records, surplus, interrupted, waiting, jobs)
    to_start = _without_needing(unseen_runs, records, settlement.to_start)
    return tuple(records), replace(settlement, to_start=to_start, unseen=unseen_runs)


def _record(fact: WatcherFact, process: ProcessFact, stamp: Stamp, now: float) -> ProcessRecord:
    """The process, with a time of its own to become ready: whatever it said meanwhile, nobody has heard it."""
    record, config = replace(process.record, pid=stamp.pid), fact.record.config
    if record.state is not ProcessState.STARTING:
        return record
    if config.ready.form is ReadinessForm.NONE:
        return replace(record, state=ProcessState.READY, ready_at=record.spawned_at)
    return replace(record, ready_by=now + config.ready_timeout)


def _with_generation(fact: WatcherFact, found: Sequence[ProcessRecord]) -> WatcherRecord:
    record = fact.record
    if fact.retiring is None:
        return record
    new = [each for each in found if each.generation == record.generation]
    is_complete = len(new) >= record.wanted and all(each.state is ProcessState.READY for each in new)
    return record if is_complete else replace(record, generation=fact.retiring)


def _unseen_runs(record: WatcherRecord, gone: Iterable[ProcessRecord]) -> tuple[int, ...]:
    """The slots of what was to run to its end and has ended: how, nobody knows."""
    if not record.config.runs_once:
        return ()
    there = {each.wid for each in record.processes} | set(record.done_slots)
    return tuple(sorted({each.wid for each in gone if each.generation == record.generation} - there))


def _with_unseen(record: WatcherRecord, wids: Sequence[int]) -> WatcherRecord:
    """What is run again is only noted; the rest is done, though nobody knows how well."""
    record = replace(record, runs=record.runs.with_unseen(wids))
    if is_run_again(record.config):
        return record
    done_slots = tuple(sorted({*record.done_slots, *wids}))
    return replace(record, done=record.done + len(wids), done_slots=done_slots)


def _without_needing(
    unseen: Collection[str], records: Sequence[WatcherRecord], names: Sequence[str]
) -> tuple[str, ...]:
    """Those whose start would not run again what isn't to be run twice: it takes along what it depends on."""
    configs = [each.config for each in records]
    over = {each.name for each in configs if each.name in unseen and not is_run_again(each)}
    if not over:
        return tuple(names)
    needed = dependencies(configs)
    return tuple(name for name in names if not over & {name, *closure(name, needed)})


def _waits_for_others(record: WatcherRecord, gone: Sequence[ProcessRecord]) -> bool:
    """Whether it was about to start, and had nothing to show for it yet."""
    last = record.runs.last
    has_begun = record.processes or gone or (last is not None and last.result is RunResult.RUNNING)
    return record.state is WatcherState.STARTING and not has_begun


def _has_begun_run(record: WatcherRecord) -> bool:
    """Whether it runs to its end, and whoever asked for a start has got it."""
    is_up = record.state in (WatcherState.STARTING, WatcherState.ACTIVE)
    last = record.runs.last
    return record.config.runs_once and is_up and last is not None and last.result is RunResult.RUNNING


def _surplus(record: WatcherRecord, found: Sequence[ProcessRecord]) -> tuple[int, ...]:
    """Of another generation than the one that counts, or the second one in a slot."""
    taken: set[int] = set()
    surplus = []
    for each in sorted(found, key=lambda each: each.spawned_at):
        if each.state not in _SERVING or each.pid == record.superseded:
            continue
        if each.generation != record.generation or each.wid in taken:
            surplus.append(each.pid)
        else:
            taken.add(each.wid)
    return tuple(surplus)


def _settlement(
    records: Sequence[WatcherRecord],
    surplus: Mapping[str, tuple[int, ...]],
    interrupted: Sequence[str],
    waiting: Sequence[str],
    jobs: Sequence[JobFact],
) -> Settlement:
    names = [each.config.name for each in records]
    autostart = [each.config.name for each in records if each.config.autostart]
    stopping = {each.config.name for each in records if each.state is WatcherState.STOPPING}
    asked_start = _named(jobs, _STARTS, autostart) - {each.config.name for each in records if _has_begun_run(each)}
    return Settlement(
        surplus={name: pids for name, pids in surplus.items() if pids},
        to_stop=tuple(name for name in names if name in stopping | _named(jobs, _STOPS, names)),
        to_start=tuple(name for name in names if name in asked_start or name in waiting),
        to_reload=tuple(name for name in names if name in set(interrupted) | (_named(jobs, _RELOADS, ()) & set(names))),
    )


def _named(jobs: Sequence[JobFact], commands: Sequence[str], all_names: Sequence[str]) -> set[str]:
    """The watchers of such jobs; `all_names` where one names none, which means all."""
    found: set[str] = set()
    for job in jobs:
        if job.command in commands:
            found.update(job.watchers or all_names)
    return found
