"""What is to become of the watchers of an arbiter that was killed in the midst of things. Pure: values in, values out.

What was asked for goes on: a start starts the rest, a stop stops the rest. A reload whose new generation is complete
has happened; one whose isn't is taken back, and asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from circus_stack.arbiter.adoption.facts import JobFact, ProcessFact, WatcherFact
from circus_stack.arbiter.handover.record import ProcessRecord, WatcherRecord
from circus_stack.arbiter.runs import RunResult
from circus_stack.config.values import ReadinessForm
from circus_stack.states import ProcessState, WatcherState
from circus_stack.system.process_stamp import Stamp

_SERVING = (ProcessState.STARTING, ProcessState.READY)
# Those whose interrupted half is done again. What else was under way has happened or hasn't, as far as it got.
_STARTS, _STOPS, _RELOADS = ("start", "restart"), ("stop",), ("reload", "reloadconfig")


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is to be done once the watchers go on: `surplus` are pids by watcher of who is one too many; the rest are
    names of watchers. A watcher may be both to stop and to start: in that order."""

    surplus: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    to_stop: tuple[str, ...] = ()
    to_start: tuple[str, ...] = ()
    to_reload: tuple[str, ...] = ()


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
    records, surplus, interrupted = [], {}, []
    for fact in watchers:
        name = fact.record.config.name
        found = [_record(fact, each, stamp, now) for each, stamp in living.values() if each.watcher == name]
        record = _with_generation(fact, found)
        if record.generation == fact.retiring:
            interrupted.append(name)
        surplus[name] = _surplus(record, found)
        superseded = record.superseded if record.superseded in {each.pid for each in found} else None
        record = replace(record, processes=tuple(found), superseded=superseded)
        records.append(_without_second_run(record, [each.record for each in unseen if each.watcher == name]))
    return tuple(records), _settlement(records, surplus, interrupted, jobs)


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


def _without_second_run(record: WatcherRecord, gone: Iterable[ProcessRecord]) -> WatcherRecord:
    """What a schedule had started is not started again for the same due time: how it ended, nobody knows."""
    if record.config.schedule is None:
        return record
    there = {each.wid for each in record.processes} | set(record.done_slots)
    ended = {each.wid for each in gone if each.generation == record.generation} - there
    return replace(
        record,
        done=record.done + len(ended),
        done_slots=tuple(sorted({*record.done_slots, *ended})),
        runs=replace(record.runs, codes={**record.runs.codes, **dict.fromkeys(ended)}),
    )


def _has_begun_run(record: WatcherRecord) -> bool:
    """Whether it runs by schedule, and whoever asked for a start now has got it."""
    is_up = record.state in (WatcherState.STARTING, WatcherState.ACTIVE)
    last = record.runs.last
    return record.config.schedule is not None and is_up and last is not None and last.result is RunResult.RUNNING


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
    jobs: Sequence[JobFact],
) -> Settlement:
    names = [each.config.name for each in records]
    autostart = [each.config.name for each in records if each.config.autostart]
    stopping = {each.config.name for each in records if each.state is WatcherState.STOPPING}
    asked_start = _named(jobs, _STARTS, autostart) - {each.config.name for each in records if _has_begun_run(each)}
    return Settlement(
        surplus={name: pids for name, pids in surplus.items() if pids},
        to_stop=tuple(name for name in names if name in stopping | _named(jobs, _STOPS, names)),
        to_start=tuple(name for name in names if name in asked_start),
        to_reload=tuple(name for name in names if name in set(interrupted) | (_named(jobs, _RELOADS, ()) & set(names))),
    )


def _named(jobs: Sequence[JobFact], commands: Sequence[str], all_names: Sequence[str]) -> set[str]:
    """The watchers of such jobs; `all_names` where one names none, which means all."""
    found: set[str] = set()
    for job in jobs:
        if job.command in commands:
            found.update(job.watchers or all_names)
    return found
