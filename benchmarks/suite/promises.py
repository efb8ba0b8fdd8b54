"""The promises that circus-stack makes, each with the issue that asked for it."""

from __future__ import annotations

from collections.abc import Sequence

from .checks import Check, RoundRatio, Side


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


PROMISES: Sequence[Check] = (
    *_faster("fastgevent", "gunicorn-gevent", 8.0),
    *_faster("fastgevent", "granian", 1.0),
    *_faster("fastgevent", "bjoern-alone", 0.6),
    *_faster("gevent", "gunicorn-gevent", 1.2),
    *_herd("fastgevent"),
    *_herd("gevent"),
)
