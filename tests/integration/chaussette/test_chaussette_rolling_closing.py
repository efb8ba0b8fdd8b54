"""Workers are replaced again and again, with a connection a request and with idle ones: not one request may fail."""

from __future__ import annotations

import pytest

from tests.integration.chaussette.rolling import KEEPING, roll
from tests.support.load import pausing_clients, wrk

# A reload with a connection a request is the simpler case, and costs as much.
FEW_RELOADS = 8
CLOSING = [*KEEPING, ("wsgiref", ()), ("wsgiref", ("--threads", "4"))]


@pytest.mark.parametrize(("backend", "options"), CLOSING)
def test_no_request_fails_with_a_connection_a_request(supervisor, listener, backend, options):
    rolling = roll(supervisor, listener, backend, options, FEW_RELOADS)
    next(rolling)
    with wrk(listener.getsockname()[1], keep_alive=False) as outcome:
        next(rolling)
    assert outcome.errors == []
    assert outcome.requests > FEW_RELOADS


@pytest.mark.parametrize(("backend", "options"), KEEPING)
def test_no_request_fails_on_connections_that_were_idle(supervisor, listener, backend, options):
    """A connection that was silent when its worker was told to stop sends its last request within the drain time."""
    options = (*options, "--keepalive-drain", "3")
    rolling = roll(supervisor, listener, backend, options, 5)
    next(rolling)
    with pausing_clients(listener.getsockname()) as outcome:
        next(rolling)
    assert outcome.errors == []
    assert outcome.requests > 0
