"""A real stack that scales itself: more workers under load, fewer after it, and what an operator does meanwhile.

One client has one request under way at most, and a worker serves one at a time: so many clients, so many busy workers.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from circus_stack.client.subscriber import Subscriber
from circus_stack.errors import CommandError
from tests.support.http_client import Client
from tests.support.load import Outcome
from tests.support.stack import Room, RunningStack, room
from tests.support.waiting import PATIENCE_S, wait_until

# Blocks the whole worker: nothing is patched.
_APP = """\
import time
def app(environ, start_response):
    time.sleep(0.1)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
_INI = """\
[server:main]
use = egg:circus-stack
app = slow:app
listen = 127.0.0.1:0
backend = gevent
monkey = false
workers = 2..4
[watcher:web]
scale_up_when = busy > 80%
scale_down_when = busy < 45%
scale_up_cooldown = 0.5
scale_down_cooldown = 2
[circus]
statsd = true
stats_interval = 0.25
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("autoscale")) as made:
        yield made


@pytest.fixture(scope="module")
def stack(here: Room) -> RunningStack:
    (here.directory / "slow.py").write_text(_APP)
    ini = here.directory / "scaled.ini"
    ini.write_text(_INI)
    made = here.serve(str(ini))
    made.wait_line("web is scaled within 2..4, and has 2", timeout_s=2 * PATIENCE_S)
    return made


@contextlib.contextmanager
def clients(stack: RunningStack, count: int) -> Iterator[Outcome]:
    """So many requests under way all the time, each on a connection of its own, for the length of the block."""
    address, outcome, over = stack.address(), Outcome(), threading.Event()
    lock = threading.Lock()

    def work() -> None:
        while not over.is_set():
            error = ""
            try:
                with contextlib.closing(Client(address)) as client:
                    response, _ = client.fetch("/", Connection="close")
                error = "" if response.status == 200 else f"status {response.status}"
            except OSError as failure:
                error = repr(failure)
            with lock:
                outcome.requests += 1
                outcome.errors += [error] if error else []

    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield outcome
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE_S)


def next_event(events: Subscriber, topic: str, stack: RunningStack, **keys: Any) -> dict[str, Any]:
    """The next event of web with that topic and those keys."""

    def look() -> dict[str, Any] | None:
        message = events.receive(0.5)
        if message is None or message[0] != f"watcher.web.{topic}":
            return None
        fields = dict(message[1])
        return fields if keys.items() <= fields.items() else None

    return wait_until(look, f"{topic} {keys}", timeout_s=3 * PATIENCE_S, detail=stack.output)


def settle(stack: RunningStack, count: int) -> None:
    """Wait for a number of workers, all of them ready. Fewer that were regretted before take several waits."""

    def is_wanted() -> bool:
        return bool(stack.call("options", name="web")["options"]["numprocesses"] == count)

    wait_until(is_wanted, f"{count} wanted", timeout_s=3 * PATIENCE_S, pause_s=0.05, detail=stack.output)
    stack.wait_pids(count)


def test_load_that_doubles_is_met_and_left_again_without_a_failed_request(stack: RunningStack) -> None:
    with contextlib.closing(stack.subscribe("watcher.web.")) as events, clients(stack, 1) as before:
        with clients(stack, 1) as more:
            found = next_event(events, "scaled", stack, old=2, new=3)
            assert found["automatic"]
            assert not found["dry_run"]
            assert found["reason"] == "busy 100% > 80%"
            settle(stack, 3)
        found = next_event(events, "scaled", stack, old=3, new=2)
        assert found["reason"].endswith("< 45%")
        settle(stack, 2)
        wait_for_requests(stack, before, 5)
    assert (before.errors, more.errors) == ([], [])


def test_load_that_comes_and_goes_takes_nothing_away(stack: RunningStack) -> None:
    stack.call("set", name="web", options={"scale_down_cooldown": 15}, waiting=True)
    told, outcomes = [], []
    with contextlib.closing(stack.subscribe("watcher.web.scaled")) as events, clients(stack, 1) as steady:
        for number in range(4):
            with clients(stack, 3) as wave:
                if number == 0:
                    found = next_event(events, "scaled", stack)
                    told.append((found["old"], found["new"]))
                wait_for_requests(stack, wave, 12)
            outcomes.append(wave)
            wait_for_requests(stack, steady, 7)
        while (message := events.receive(0.3)) is not None:
            told.append((message[1]["old"], message[1]["new"]))
    # Each wave may bring one more, up to the most; no pause takes one away.
    assert told == [(number, number + 1) for number in range(2, 2 + len(told))]
    assert [each.errors for each in (steady, *outcomes)] == [[]] * 5
    stack.call("set", name="web", options={"scale_down_cooldown": 0.5}, waiting=True)
    settle(stack, 2)


def wait_for_requests(stack: RunningStack, outcome: Outcome, count: int) -> None:
    """Wait for so many more."""
    enough = outcome.requests + count
    wait_until(lambda: outcome.requests >= enough, f"{count} requests", detail=stack.output)


def test_operator_wins(stack: RunningStack) -> None:
    with contextlib.closing(stack.subscribe("watcher.web.")) as events:
        stack.call("incr", name="web", nb=3, waiting=True)
        found = next_event(events, "scaled", stack, old=2, new=5)
        assert (found["automatic"], found["reason"]) == (False, "somebody asked for it")
        assert "5 processes are beyond the range 2..4" in next_event(events, "scaling_held", stack)["reason"]
        with pytest.raises(CommandError, match=r"beyond the range 2\.\.4, and whoever asked for them is obeyed"):
            stack.call("scale", name="web", numprocesses=4, reason="test", automatic=True)
        # Within the range the autoscaler goes on from there.
        stack.call("scale", name="web", numprocesses=3, reason="the sale is over", waiting=True)
        assert next_event(events, "scaled", stack, old=5, new=3)["reason"] == "the sale is over"
        assert "3 processes are within" in next_event(events, "scaling_resumed", stack)["reason"]
        assert next_event(events, "scaled", stack, old=3, new=2)["automatic"]
    settle(stack, 2)


def test_reload_and_upgrade_leave_what_the_load_has_made(here: Room, stack: RunningStack) -> None:
    stack.call("set", name="web", options={"scale_down_cooldown": 600}, waiting=True)
    stack.call("incr", name="web", waiting=True)
    ini = here.directory / "scaled.ini"
    ini.write_text(_INI.replace("2..4", "1..4"))
    stack.call("reloadconfig", waiting=True)
    options = stack.call("options", name="web")["options"]
    assert (options["numprocesses"], options["scale_range"]) == (3, "1..4")
    stack.call("upgrade")
    wait_until(lambda: "upgraded" in stack.output(), "the upgrade", detail=stack.output)
    options = stack.call("options", name="web")["options"]
    assert (options["numprocesses"], options["scale_range"], options["scale_up_when"]) == (3, "1..4", "busy > 80%")
    settle(stack, 3)


def test_dry_run_only_tells(stack: RunningStack) -> None:
    stack.call("set", name="web", options={"scale_dry_run": True, "scale_down_cooldown": 0.5}, waiting=True)
    with contextlib.closing(stack.subscribe("watcher.web.scaled")) as events:
        found = next_event(events, "scaled", stack, dry_run=True)
        assert (found["old"], found["new"], found["automatic"]) == (3, 2, True)
    stack.wait_line("web would be scaled from 3 to 2: busy 0% < 45%")
    assert stack.call("options", name="web")["options"]["numprocesses"] == 3
