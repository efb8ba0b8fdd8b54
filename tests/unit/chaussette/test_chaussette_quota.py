"""How many requests a worker serves: where the number comes from, and when it is told."""

from __future__ import annotations

from typing import Any

import pytest

from chaussette.errors import UsageError
from chaussette.quota import ASK_AGAIN, counted, share_of, with_environ
from chaussette.settings import Settings


def app(_environ: Any, _start_response: Any) -> list[bytes]:
    return [b"body"]


def serve(counted_app: Any, times: int) -> None:
    for _ in range(times):
        counted_app({}, None)


def test_the_environment_says_it_and_forgets_it() -> None:
    environ = {"CHAUSSETTE_MAX_REQUESTS": "50", "CHAUSSETTE_MAX_REQUESTS_JITTER": "5", "OTHER": "x"}
    settings = with_environ(Settings(), environ)
    assert (settings.max_requests, settings.max_requests_jitter) == (50, 5)
    assert environ == {"OTHER": "x"}


def test_the_command_line_wins_over_the_environment() -> None:
    environ = {"CHAUSSETTE_MAX_REQUESTS": "50"}
    assert with_environ(Settings(max_requests=0), environ).max_requests == 0
    assert environ == {}


def test_a_number_that_is_none_is_refused_by_its_name() -> None:
    with pytest.raises(UsageError, match="CHAUSSETTE_MAX_REQUESTS: 'many' is not a whole number"):
        with_environ(Settings(), {"CHAUSSETTE_MAX_REQUESTS": "many"})


def test_each_worker_draws_its_own_share() -> None:
    assert share_of(Settings()) == 0
    assert share_of(Settings(max_requests=0, max_requests_jitter=9)) == 0
    assert share_of(Settings(max_requests=100)) == 100
    assert share_of(Settings(max_requests=100, max_requests_jitter=10), lambda least, most: (least + most) * 10) == 200


def test_without_a_limit_nothing_stands_before_the_application() -> None:
    assert counted(app, 0, lambda: True) is app


def test_it_is_told_at_the_limit_and_long_after_again() -> None:
    told: list[int] = []
    served = counted(app, 3, lambda: bool(told.append(1)) or True)
    serve(served, 2)
    assert told == []
    serve(served, 1)
    assert told == [1]
    serve(served, ASK_AGAIN - 1)
    assert told == [1]
    serve(served, 1)
    assert told == [1, 1]


def test_what_could_not_be_told_is_told_with_the_next_request() -> None:
    answers = iter([False, False, True])
    served = counted(app, 1, lambda: next(answers))
    serve(served, ASK_AGAIN)
    assert next(answers, "all were asked for") == "all were asked for"


def test_the_response_is_handed_on_untouched() -> None:
    body = [b"x"]
    assert counted(lambda _environ, _start: body, 1, lambda: True)({}, lambda *_: lambda _data: None) is body
