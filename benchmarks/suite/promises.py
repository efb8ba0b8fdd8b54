"""The promises that circus-stack makes, each with the issue that asked for it."""

from __future__ import annotations

from collections.abc import Sequence

from .checks import Check, FigureLimit, FigureRatio, RoundRatio, Side


def _faster(mine: str, theirs: str, least: float) -> list[Check]:
    """With wrk's own headers, and with those of a browser; one worker each."""
    sides = Side(mine, 1), Side(theirs, 1)
    return [RoundRatio("Chaussette", scenario, *sides, least=least) for scenario in ("hello", "browser")]


def _herd(backend: str) -> list[Check]:
    """Many workers on one socket, a connection a request, on all processors."""
    many, few = Side(f"{backend}+preload", 175), Side(f"{backend}+preload", 4)
    plain = Side(f"{backend}+plain", 4)
    return [
        RoundRatio("Chaussette", "close", many, few, least=0.9),
        RoundRatio("Chaussette", "close", many, few, most=2.0, of="p99"),
        RoundRatio("Chaussette", "busy", few, plain, most=1.0, of="p99"),
    ]


def _preload() -> list[Check]:
    """175 workers of the Pyramid example."""
    forked, execed, theirs = (Side(each, 175) for each in ("gevent+preload", "gevent", "gunicorn-gevent+preload"))
    return [
        FigureRatio("Chaussette", "all-up", forked, execed, 0.1),
        FigureRatio("Chaussette", "pss", forked, execed, 0.2),
        FigureRatio("Chaussette", "all-up", forked, theirs, 1.0),
    ]


def _reloads(*names: str) -> list[Check]:
    return [FigureLimit("Chaussette", "failed", Side(each), 0) for each in names]


_OURS, _LOOP, _SUPERVISOR = "circus-stack", "bare loop", "supervisor"
_CIRCUS: Sequence[Check] = (
    FigureRatio("Circus", "start", Side(_OURS, 1000), Side(_LOOP, 1000), 1.5),
    FigureLimit("Circus", "respawn", Side(_OURS, 175), 20),
    FigureLimit("Circus", "respawn", Side(_OURS, 1000), 20),
    FigureLimit("Circus", "stop", Side(_OURS, 1000), 1),
    FigureLimit("Circus", "manager-cpu", Side(_OURS, 1000), 1),
    FigureLimit("Circus", "manager-rss", Side(_OURS, 1000), 60),
    FigureLimit("Circus", "deaf-p99", Side(_OURS, 175), 5),
    FigureLimit("Circus", "deaf-p99", Side(_OURS, 1000), 5),
    FigureRatio("Circus", "log-time", Side(_OURS, 175), Side(_SUPERVISOR, 175), 1.2),
    FigureRatio("Circus", "log-cpu", Side(_OURS, 175), Side(_SUPERVISOR, 175), 1.2),
)
_STATS: Sequence[Check] = (
    FigureLimit("Stats", "statsd-cpu", Side(_OURS, 1000), 1.5),
    FigureLimit("Stats", "statsd-read-cpu", Side(_OURS, 1000), 3),
    FigureLimit("Stats", "statsd-rss", Side(_OURS, 1000), 60),
    FigureLimit("Stats", "statsd-tick", Side(_OURS, 1000), 100),
    FigureLimit("Stats", "told-1", Side(_OURS, 175), 32, least=28),
    FigureLimit("Stats", "told-10", Side(_OURS, 175), 32, least=28),
)

PROMISES: Sequence[Check] = (
    *_faster("fastgevent", "gunicorn-gevent", 8.0),
    *_faster("fastgevent", "granian", 1.0),
    *_faster("fastgevent", "bjoern-alone", 0.6),
    *_faster("gevent", "gunicorn-gevent", 1.2),
    FigureRatio("Chaussette", "rss-worker", Side("fastgevent", 1), Side("gunicorn-gevent", 1), 1.0),
    FigureRatio("Chaussette", "rss-worker", Side("gevent", 1), Side("gunicorn-gevent", 1), 1.0),
    *_preload(),
    *_herd("fastgevent"),
    *_herd("gevent"),
    *_reloads("fastgevent", "gevent", "waitress", "meinheld"),
    *_CIRCUS,
    *_STATS,
)
