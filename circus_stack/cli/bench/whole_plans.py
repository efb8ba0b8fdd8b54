"""What `circus-stack bench all` measures: the plans, chosen so that they end within a quarter of an hour on two
processors, set-up included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from circus_stack.cli.bench.plans import Asked, serve_plans, start_plans
from circus_stack.cli.bench.suite import suite

if TYPE_CHECKING:
    from benchmarks.suite.plan import Plan


# What one worker serves, and how much of a processor a request takes: where the promises are.
_SCENARIOS = ("hello", "browser", "close", "json", "io", "cpu", "upload", "download", "mix")
# The backends somebody would choose from, beside the servers that people come from.
_SWEPT = ("fastgevent", "gevent", "waitress", "gunicorn-gevent", "gunicorn-sync")
_WORKERS = (1, 2, 4, 8)
_HERD_CONNECTIONS = 64
_MANY, _FEW = 175, 4


def whole_plans(app: str | None, path: str, *, is_quick: bool) -> list[Plan]:
    """With an application of the user's own, what answers for it alone."""
    chosen = app or suite.target.PYRAMID
    found = _of_application(chosen, path, is_quick=is_quick)
    if app is None:
        found += _of_the_suite(is_quick=is_quick)
        found += [] if is_quick else _of_the_herd()
    return found


def _of_application(app: str, path: str, *, is_quick: bool) -> list[Plan]:
    one = Asked(app=app, path=path, is_quick=is_quick, seconds=1)
    swept = Asked(app=app, path=path, seconds=1, rounds=2, workers=_WORKERS, contestants=_SWEPT)
    of = "The Pyramid example" if app == suite.target.PYRAMID else app
    return [*serve_plans(one, f"{of}: one worker"), *([] if is_quick else serve_plans(swept, f"{of}: more workers"))]


def _of_the_suite(*, is_quick: bool) -> list[Plan]:
    scenarios = ("hello",) if is_quick else _SCENARIOS
    loads = serve_plans(Asked(scenarios=scenarios, seconds=1, is_quick=is_quick), "One worker, page by page")
    return [*loads, *start_plans(Asked(rounds=1 if is_quick else 2, is_quick=is_quick), "Start and reload")]


def _of_the_herd() -> list[Plan]:
    """Workers that share a socket, on all processors."""
    shared = Asked(connections=_HERD_CONNECTIONS, is_pinned=False)
    crowd = replace(shared, scenarios=("close",), workers=(_FEW, _MANY), contestants=_both("preload"))
    busy = replace(shared, scenarios=("busy",), workers=(_FEW,), contestants=(*_both("preload"), *_both("plain")))
    return [
        *serve_plans(crowd, f"{_MANY} workers on one socket, beside {_FEW}"),
        *serve_plans(busy, "Who wakes for a connection"),
    ]


def _both(how: str) -> tuple[str, ...]:
    return f"fastgevent+{how}", f"gevent+{how}"
