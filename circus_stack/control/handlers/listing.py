"""Who is there, and in which state: list, status, numwatchers, numprocesses. Answered at once, always."""

from __future__ import annotations

from typing import Any

from circus_stack.arbiter.runs import Run
from circus_stack.arbiter.scheduling import ScheduleView
from circus_stack.control.desk import Desk
from circus_stack.control.handlers import conditions
from circus_stack.scaling import ScaleRange

Fields = dict[str, Any]


def list_(desk: Desk, properties: Fields) -> Fields:
    """`watchers` in lower case and sorted, as Circus has them; or the `pids` of one."""
    name = properties["name"]
    if name is None:
        return {"watchers": sorted(each.lower() for each in desk.arbiter.names())}
    return {"pids": sorted(process.pid for process in desk.arbiter.processes(name))}


def status(desk: Desk, properties: Fields) -> Fields:
    """`statuses` by name; or the state of one watcher in place of the reply's own `status`, as Circus has it.

    Where a state alone doesn't tell all, `details` {name: line}, or `detail` of one watcher, say the rest. `seq` is the
    number of the newest event: an event with a higher number is not in the answer yet. `extended`, all: `watchers`
    {name: {wanted, range, processes, zygotes, labels, armed, dropped_lines, run, schedule, and the fields of
    `conditions.condition`}}, without a look at the system.
    """
    name = properties["name"]
    if name is not None:
        return {
            "status": str(desk.arbiter.status(name)),
            **conditions.detail(desk, name),
            "seq": desk.offices.seq(),
        }
    statuses = {each: str(state) for each, state in desk.arbiter.statuses().items()}
    if not properties["extended"]:
        return {"statuses": statuses, **conditions.details(desk, list(statuses)), "seq": desk.offices.seq()}
    return {
        "statuses": statuses,
        **conditions.details(desk, list(statuses)),
        "watchers": {each: _watcher(desk, each) for each in statuses},
        "seq": desk.offices.seq(),
    }


def _watcher(desk: Desk, name: str) -> Fields:
    health = conditions.health_of(desk, name)
    return {
        "wanted": desk.arbiter.wanted(name),
        "range": _range(desk.arbiter.config(name).scale_range),
        "labels": dict(desk.offices.labels(name)),
        "armed": desk.arbiter.is_armed(name),
        "dropped_lines": desk.offices.dropped_lines(name),
        **conditions.condition(desk, name),
        "run": _run(desk.arbiter.last_run(name)),
        "schedule": _schedule(desk.arbiter.schedule(name)),
        "processes": [
            {
                "pid": process.pid,
                "wid": process.wid,
                "state": str(process.state),
                "started": process.started_at,
                "ready_at": process.ready_at,
                "generation": process.generation,
                "memory": process.memory,
                "memory_kind": process.memory_kind or None,
                **({"health": health[process.pid]} if process.pid in health else {}),
            }
            for process in desk.arbiter.processes(name)
        ],
        "zygotes": [
            {
                "pid": each.pid,
                "state": each.state,
                "started": each.started_at,
                "ready_at": each.ready_at,
                "generation": each.generation,
            }
            for each in desk.arbiter.zygotes(name)
        ],
    }


def _run(run: Run | None) -> Fields | None:
    """The last run of what runs to its end; times are seconds since the epoch."""
    if run is None:
        return None
    return {
        "result": str(run.result),
        "started": run.started_at,
        "ended": run.ended_at,
        "duration_s": run.duration_s,
        "exit_code": run.exit_code,
        "unseen": run.unseen,
    }


def _range(found: ScaleRange | None) -> Fields | None:
    return None if found is None else {"least": found.least, "most": found.most}


def _schedule(view: ScheduleView | None) -> Fields | None:
    if view is None:
        return None
    return {"schedule": view.schedule, "timezone": view.timezone, "next_run": view.next_at}


def numwatchers(desk: Desk, _properties: Fields) -> Fields:
    """`numwatchers`."""
    return {"numwatchers": len(desk.arbiter.names())}


def numprocesses(desk: Desk, properties: Fields) -> Fields:
    """`numprocesses` that run: of one watcher, with its `watcher_name` as it was asked for, or of all."""
    name = properties["name"]
    if name is not None:
        return {"numprocesses": len(desk.arbiter.processes(name)), "watcher_name": name}
    return {"numprocesses": sum(len(desk.arbiter.processes(each)) for each in desk.arbiter.names())}
