"""Workers are replaced again and again under load on connections that are kept: not one request may fail."""

from __future__ import annotations

import pytest

from tests.integration.chaussette.rolling import KEEPING, roll
from tests.support.load import wrk

RELOADS = 20


@pytest.mark.parametrize(("backend", "options"), KEEPING)
def test_no_request_fails_on_kept_connections(supervisor, listener, backend, options):
    rolling = roll(supervisor, listener, backend, options, RELOADS)
    next(rolling)
    with wrk(listener.getsockname()[1], keep_alive=True) as outcome:
        next(rolling)
    assert outcome.errors == []
    assert outcome.requests > RELOADS
