"""What our circusd-stats is asked, while it runs beside many processes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client
from circus_stack.errors import CallError

from .manager import BURN, ControlError, Site

_PATIENCE_S = 60.0
_ASK_PAUSE_S = 0.01


def wait_sampled(site: Site, processes: int) -> None:
    """Until it has sampled so many. ControlError where it does not."""
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(CallError), Client(f"ipc://{site.home}/q", timeout_s=2.0) as client:
            if client.call("snapshot")["total"]["processes"] >= processes:
                return
        time.sleep(0.1)
    raise ControlError(f"circusd-stats has not sampled {processes} processes within {_PATIENCE_S:.0f} s")


def latest_tick_ms(site: Site) -> float:
    """How late its latest sample began, of all since it started."""
    with Client(f"ipc://{site.home}/q", timeout_s=_PATIENCE_S) as client:
        return 1000 * float(client.call("snapshot")["latest_s"])


@contextlib.contextmanager
def subscribed(site: Site) -> Iterator[None]:
    """With one subscriber to everything."""
    stop = threading.Event()

    def read() -> None:
        with Subscriber(f"ipc://{site.home}/s", ("stat.",)) as subscriber:
            while not stop.is_set():
                subscriber.receive(0.5)

    with _threads(stop, read):
        yield


def told_percent(site: Site, clients: int, seconds: float) -> float:
    """The mean of what is told of BURN, while so many clients ask without a pause. ControlError for nothing."""
    stop = threading.Event()
    failed: list[CallError] = []

    def ask() -> None:
        try:
            with Client(f"ipc://{site.home}/q", timeout_s=_PATIENCE_S) as client:
                while not stop.is_set():
                    client.call("snapshot")
                    stop.wait(_ASK_PAUSE_S)
        except CallError as error:
            failed.append(error)

    with _threads(stop, *[ask] * clients):
        told = [each["cpu"] for each in _listen(site, seconds)]
    if failed:
        raise ControlError(f"circusd-stats did not answer all {clients} clients: {failed[0]}")
    if not told:
        raise ControlError("circusd-stats told nothing of a process that runs")
    return sum(told) / len(told)


def _listen(site: Site, seconds: float) -> Iterator[dict[str, Any]]:
    until = time.monotonic() + seconds
    with Subscriber(f"ipc://{site.home}/s", (f"stat.{BURN}.",)) as subscriber:
        while (left := until - time.monotonic()) > 0:
            message = subscriber.receive(left)
            if message is not None:
                yield message[1]


@contextlib.contextmanager
def _threads(stop: threading.Event, *targets: Any) -> Iterator[None]:
    threads = [threading.Thread(target=each) for each in targets]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        stop.set()
        for each in threads:
            each.join()
