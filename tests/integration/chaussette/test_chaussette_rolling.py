"""Two workers on one listening socket are replaced again and again under load: not one request may fail.

The new worker is started and says READY before the old one gets its SIGTERM, as a rolling reload does it.
"""

from __future__ import annotations

import signal

import pytest

from tests.support.load import pausing_clients, wrk

RELOADS = 20
# A reload with a connection a request is the simpler case, and costs as much.
FEW_RELOADS = 8
# wsgiref answers in HTTP/1.0 and closes each connection: there is no keep-alive to lose.
KEEPING = [("waitress", ()), ("gevent", ()), ("fastgevent", ()), ("meinheld", ()), ("eventlet", ()), ("bjoern", ())]
CLOSING = [*KEEPING, ("wsgiref", ()), ("wsgiref", ("--threads", "4"))]


def roll(supervisor, listener, backend, options, reloads):
    """Replace one of two workers `reloads` times; every one that goes must go with 0."""

    def start():
        return supervisor.start_ready("--backend", backend, *options, fds=[listener.fileno()])

    workers = [start(), start()]
    yield
    for _ in range(reloads):
        workers.append(start())
        old = workers.pop(0)
        old.signal(signal.SIGTERM)
        assert old.wait_exit() == 0, old.output()
    yield


@pytest.mark.parametrize(("backend", "options"), KEEPING)
def test_no_request_fails_on_kept_connections(supervisor, listener, backend, options):
    rolling = roll(supervisor, listener, backend, options, RELOADS)
    next(rolling)
    with wrk(listener.getsockname()[1], keep_alive=True) as outcome:
        next(rolling)
    assert outcome.errors == []
    assert outcome.requests > RELOADS


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
