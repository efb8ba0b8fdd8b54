"""When to stop, and what is told to the supervisor. No signal is sent here."""

from __future__ import annotations

import pytest

from chaussette.lifecycle import Lifecycle
from chaussette.notify import Notifier


class Recorder(Notifier):
    """Keeps what would be sent."""

    def __init__(self, beat_interval_s=None):
        super().__init__("x", beat_interval_s)
        self.sent: list[str] = []

    def _send(self, message, timeout_s=0.0):
        self.sent.append(message)


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def lifecycle(recorder):
    made = Lifecycle(recorder, graceful_timeout_s=1e6)
    yield made
    # Lets the thread that enforces the deadline know that it is over.
    made.finished()


def test_ready_then_stop_wakes_the_server_once(lifecycle, recorder):
    woken = []
    lifecycle.ready(lambda: woken.append(1), lambda: 0, "serving")
    assert not lifecycle.should_stop
    lifecycle.stop()
    lifecycle.stop()
    assert lifecycle.should_stop
    assert woken == [1]
    assert ["READY=1" in recorder.sent[0], "STOPPING=1" in recorder.sent[1], len(recorder.sent)] == [True, True, 2]


def test_a_stop_before_the_server_was_ready_wakes_it_then(lifecycle):
    woken = []
    lifecycle.stop()
    lifecycle.ready(lambda: woken.append(1), lambda: 0, "serving")
    assert woken == [1]


def test_the_drain_time_runs_from_the_stop(lifecycle):
    assert lifecycle.drain_left_s() == 0.0
    lifecycle.keepalive_drain_s = 1e6
    lifecycle.stop()
    assert 0 < lifecycle.drain_left_s() <= 1e6


def test_no_beat_where_none_is_wanted(lifecycle, recorder):
    assert lifecycle.beat_due_in_s() is None
    lifecycle.beat_if_due()
    assert recorder.sent == []


def test_a_beat_an_interval():
    recorder = Recorder(beat_interval_s=1e6)
    lifecycle = Lifecycle(recorder)
    assert lifecycle.beat_due_in_s() == 0.0
    lifecycle.beat_if_due()
    lifecycle.beat_if_due()
    assert recorder.sent == ["WATCHDOG=1"]


def test_the_environment_is_cleared_and_read():
    environ = {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "3000000", "OTHER": "1"}
    notifier = Notifier.from_environ(environ)
    assert notifier.beat_interval_s == 1.5
    assert environ == {"OTHER": "1"}


@pytest.mark.parametrize(
    "environ",
    [
        {"WATCHDOG_USEC": "1000"},
        {"NOTIFY_SOCKET": "/x"},
        {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
    ],
)
def test_no_heartbeat(environ):
    assert Notifier.from_environ(environ).beat_interval_s is None
