"""What `circus-stack bench all` measures: the plans, chosen so that they end within a quarter of an hour on two
processors, set-up included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from circus_stack.cli.bench.plans import (
    Asked,
    memory_plans,
    processes_plans,
    reload_plans,
    serve_plans,
    start_plans,
    steps_plans,
)
from circus_stack.cli.bench.suite import suite

if TYPE_CHECKING:
    from benchmarks.suite.plan import Plan


# Where the promises are, with a round more; and the other pages of the suite's application.
_PROMISED = ("hello", "browser")
_PAGES = ("close", "io", "cpu", "upload", "download")
_USERS = ("visitors", "slow")
# The backends somebody would choose from, beside the servers that people come from.
_CHOICE = ("fastgevent", "gevent", "waitress", "gunicorn-gevent", "gunicorn-sync")
_WIDER = (*_CHOICE, "granian")
_SWEPT = ("fastgevent", "gevent", "gunicorn-gevent")
_VISITED = ("fastgevent", "waitress", "gunicorn-sync")
_WORKERS = (1, 2, 4)
_MEMORY = ("gevent", "gevent+preload", "gunicorn-gevent+preload")
_RELOADED = ("fastgevent", "gevent", "waitress", "meinheld", "gunicorn-gevent", "uwsgi")
_HERD_CONNECTIONS = 64
_MANY, _FEW = 175, 4
_CROWD = 1000


def whole_plans(app: str | None, path: str, *, is_quick: bool) -> list[Plan]:
    """With an application of the user's own, what answers for it alone; without, that of the Pyramid example, where it
    is installed, and all the rest."""
    found: list[Plan] = []
    if app is not None or suite.example.is_here():
        found += _of_application(app or suite.target.PYRAMID, path, is_quick=is_quick)
    if app is None:
        found += _of_the_suite(is_quick=is_quick)
        found += _of_processes(is_quick=is_quick)
    return found


def _of_application(app: str, path: str, *, is_quick: bool) -> list[Plan]:
    of = "The Pyramid example" if app == suite.target.PYRAMID else app
    one = Asked(app=app, path=path, seconds=1, is_quick=is_quick)
    if is_quick:
        few = replace(one, contestants=_CHOICE)
        steps = replace(one, contestants=("gevent",), seconds=2)
        memory = replace(one, workers=(8,), rounds=1, contestants=("gevent", "gevent+preload", "gunicorn-gevent"))
        return [
            *serve_plans(few, f"{of}: one worker"),
            *memory_plans(memory, f"{of}: memory of 8 workers"),
            *steps_plans(steps, f"{of}: at what load it breaks"),
        ]
    # On all processors, which is where somebody has them.
    swept = replace(one, rounds=2, workers=_WORKERS, contestants=_SWEPT, is_pinned=False)
    memory = replace(one, workers=(_MANY,), rounds=1, contestants=_MEMORY)
    steps = replace(one, contestants=_SWEPT, seconds=3)
    return [
        # What backends differ by is small beside what an application takes: more rounds tell them apart.
        *serve_plans(replace(one, rounds=5), f"{of}: one worker"),
        *serve_plans(swept, f"{of}: more workers"),
        *memory_plans(memory, f"{of}: memory of {_MANY} workers"),
        *steps_plans(steps, f"{of}: at what load it breaks"),
    ]


def _of_the_suite(*, is_quick: bool) -> list[Plan]:
    one = Asked(seconds=1, is_quick=is_quick)
    if is_quick:
        return serve_plans(replace(one, scenarios=("hello",), contestants=_CHOICE), "One worker, hello")
    return [
        *serve_plans(replace(one, scenarios=_PROMISED), "One worker: hello"),
        *serve_plans(replace(one, scenarios=_PAGES, rounds=2, contestants=_WIDER), "One worker: page by page"),
        *serve_plans(replace(one, scenarios=_USERS, rounds=1, seconds=3, contestants=_VISITED), "One worker: users"),
        *start_plans(replace(one, rounds=1), "Start and reload"),
        *reload_plans(replace(one, workers=(2,), rounds=1, contestants=_RELOADED), "Reloads under load"),
        *_of_the_herd(),
    ]


def _of_the_herd() -> list[Plan]:
    """Workers that share a socket, on all processors."""
    shared = Asked(connections=_HERD_CONNECTIONS, is_pinned=False, seconds=1)
    crowd = replace(shared, scenarios=("close",), workers=(_FEW, _MANY), contestants=_both("preload"))
    busy = replace(
        shared, seconds=2, scenarios=("busy",), workers=(_FEW,), contestants=(*_both("preload"), *_both("plain"))
    )
    return [
        *serve_plans(crowd, f"{_MANY} workers on one socket, beside {_FEW}"),
        *serve_plans(busy, "Who wakes for a connection"),
    ]


def _of_processes(*, is_quick: bool) -> list[Plan]:
    few = Asked(workers=(20 if is_quick else _MANY,), rounds=1, is_quick=is_quick)
    if is_quick:
        return processes_plans(replace(few, contestants=("circus-stack",)), "Process managers")
    crowd = replace(few, workers=(_CROWD,), contestants=("circus-stack", "bare loop"))
    return [
        *processes_plans(few, f"Process managers: {_MANY} processes"),
        *processes_plans(crowd, f"Process managers: {_CROWD} processes"),
    ]


def _both(how: str) -> tuple[str, ...]:
    return f"fastgevent+{how}", f"gevent+{how}"
