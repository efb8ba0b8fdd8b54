"""`metrics`: an address that only this machine reaches, or a token; and circusd-stats to serve it."""

from __future__ import annotations

import pytest

from circus_stack.config.check_metrics import check_metrics
from circus_stack.config.problems import Problems
from circus_stack.config.schema import CircusConfig


def told(**options: object) -> list[str]:
    problems = Problems()
    check_metrics(CircusConfig(**{"statsd": True, **options}), problems)  # type: ignore[arg-type]
    return [str(each) for each in problems.mistakes]


@pytest.mark.parametrize("metrics", [None, "", "127.0.0.1:9125", "localhost:9125", "[::1]:9125", "9125"])
def test_loopback_needs_no_token(metrics: str | None) -> None:
    assert told(metrics=metrics) == []


def test_elsewhere_a_token_is_wanted() -> None:
    [text] = told(metrics="0.0.0.0:9125")
    assert "[circus] metrics: would be open to every machine of the network" in text
    assert "metrics_token_file = FILE" in text
    assert told(metrics="*:9125", metrics_token_file="/run/token") == []


@pytest.mark.parametrize("metrics", ["nonsense:port", "unix:/run/x", "127.0.0.1", "127.0.0.1:99999"])
def test_what_is_no_address_is_told(metrics: str) -> None:
    [text] = told(metrics=metrics)
    assert "[circus] metrics: is no" in text


def test_it_needs_circusd_stats() -> None:
    [text] = told(metrics="9125", statsd=False)
    assert "statsd is off" in text


def test_a_token_alone_does_nothing() -> None:
    [text] = told(metrics_token_file="x")
    assert "does nothing without metrics" in text
