"""`scale`: a number of processes for a reason, asked for by a person or by the autoscaler."""

from __future__ import annotations

from circus_stack.arbiter.jobs import JobState
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.scale_order import ScaleOrder
from circus_stack.control.desk import Desk
from circus_stack.control.handlers.answer import Answer, Fields, answer
from circus_stack.errors import CommandError, Errno
from circus_stack.literals import MAX_PROCESSES
from circus_stack.states import ProcessState, WatcherState

_UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


def scale(desk: Desk, properties: Fields) -> Answer:
    """Waiting: `numprocesses` that are wanted now. Raises CommandError where the watcher may not have so many, has
    another number than was expected, or, of the autoscaler, is not at rest."""
    name = desk.arbiter.config(properties["name"]).name
    order = ScaleOrder(
        number=properties["numprocesses"],
        reason=properties["reason"],
        expected=properties["expected"],
        is_automatic=properties["automatic"],
        is_dry_run=properties["dry_run"],
    )
    order.count(name, desk.arbiter.wanted(name))
    _check_number(desk, name, order.number)
    reason = _unrest(desk, name, order.number) if order.is_automatic else ""
    if reason:
        raise CommandError(f"{name} is not scaled: {reason}", Errno.COMMAND_ERROR)
    task = desk.arbiter.scale(name, order)

    def count(_outcome: Outcome) -> Fields:
        return {"numprocesses": desk.arbiter.wanted(name)}

    return answer(desk, task, waiting=properties["waiting"], fields=count)


def _check_number(desk: Desk, name: str, number: int) -> None:
    if desk.arbiter.config(name).singleton and number > 1:
        raise CommandError(f"{name} is a singleton: it has one process at most", Errno.COMMAND_ERROR)
    if number > MAX_PROCESSES:
        raise CommandError(f"{name} would have {number} processes, at most {MAX_PROCESSES} are legal")


def _unrest(desk: Desk, name: str, number: int) -> str:
    """Why the autoscaler has to wait; empty where it may go on. One that decided a moment ago may not know of what has
    begun since."""
    arbiter = desk.arbiter
    found, wanted, state = arbiter.config(name).scale_range, arbiter.wanted(name), arbiter.status(name)
    if found is None:
        return "it has no range"
    if wanted not in found:
        return f"its {wanted} processes are beyond the range {found}, and whoever asked for them is obeyed"
    if number not in found:
        return f"{number} is beyond the range {found}"
    if arbiter.is_reconfiguring:
        return "the configuration is being changed"
    if state is not WatcherState.ACTIVE:
        return f"it is {state}"
    return _work(desk, name) or _processes_at_work(desk, name, wanted)


def _work(desk: Desk, name: str) -> str:
    jobs = desk.arbiter.jobs.jobs()
    found = next(
        (each for each in jobs if each.state in _UNFINISHED and (not each.watchers or name in each.watchers)), None
    )
    return f"{found.command} is under way" if found is not None else ""


def _processes_at_work(desk: Desk, name: str, wanted: int) -> str:
    """Figures of processes that come and go tell nothing of those that are to serve."""
    failures = desk.arbiter.condition(name).failures
    if failures:
        return f"its processes fail, {failures} times in a row"
    processes = desk.arbiter.processes(name)
    ready = sum(each.state is ProcessState.READY for each in processes)
    if ready != wanted or ready != len(processes):
        return (
            f"{ready} of {wanted} processes are ready"
            if ready != wanted
            else "processes of before are on their way out"
        )
    return ""
