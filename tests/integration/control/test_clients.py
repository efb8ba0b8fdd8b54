"""The blocking, asyncio and gevent clients against a real endpoint."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zmq

from circus_stack.arbiter.outcome import Outcome
from circus_stack.client.aio import AsyncClient
from circus_stack.client.reach import is_reachable
from circus_stack.client.sync import Client
from circus_stack.errors import CallError, CommandError, Errno
from tests.integration.control.served import served, short_directory
from tests.support.fake_arbiter import DONE, FakeArbiter
from tests.support.waiting import PATIENCE_S, wait_until


def test_a_call_gives_the_reply() -> None:
    with served() as control, control.client() as client:
        assert client.call("list")["watchers"] == ["big one", "web"]
        assert client.call("incr", name="web", waiting=True)["numprocesses"] == 3


def test_an_error_reply_is_raised_or_given() -> None:
    with served() as control, control.client() as client:
        with pytest.raises(CommandError, match="program nope not found") as caught:
            client.call("status", name="nope")
        assert caught.value.errno is Errno.MESSAGE_ERROR
        assert client.request("status", {"name": "nope"})["errno"] == 3


def test_a_cast_arrives_also_when_the_client_closes_at_once() -> None:
    with served() as control:
        with control.client() as client:
            client.cast("incr", name="web")
        wait_until(lambda: control.arbiter.calls == [("change_wanted", "web", 1)], "the cast")


def test_where_nobody_listens_the_wait_ends_and_says_so() -> None:
    with (
        short_directory() as directory,
        Client(f"ipc://{directory}/none", timeout_s=0.05) as client,
        pytest.raises(CallError, match=r"no answer to 'list' from ipc://.*/none within 0\.05 s: nothing listens"),
    ):
        client.call("list")


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one() -> None:
    async def slowly() -> Outcome:
        await asyncio.sleep(0.2)
        return DONE

    with served(FakeArbiter(slowly)) as control, control.client() as client:
        with pytest.raises(CallError, match="no answer to 'restart'"):
            client.request("restart", {"name": "web", "waiting": True}, timeout_s=0.05)
        client.request("restart", {"name": "web", "waiting": True})
        assert client.call("numwatchers")["numwatchers"] == 2


def test_something_that_is_no_arbiter_is_told() -> None:
    context: zmq.Context[Any] = zmq.Context()
    router = context.socket(zmq.ROUTER)
    try:
        router.bind("tcp://127.0.0.1:0")
        with Client(router.getsockopt_string(zmq.LAST_ENDPOINT), timeout_s=PATIENCE_S) as client:
            id = client.begin("list", {})
            identity, *_ = router.recv_multipart()
            router.send_multipart([identity, b"<html>"])
            with pytest.raises(CallError, match="is this the endpoint of an arbiter"):
                client.reply(id, PATIENCE_S)
    finally:
        router.close(linger=0)
        context.term()


def test_many_calls_at_once_by_asyncio() -> None:
    async def ask(endpoint: str) -> None:
        async with AsyncClient(endpoint, timeout_s=PATIENCE_S) as client:
            replies = await asyncio.gather(*(client.call("status", name="web") for _ in range(100)))
            assert [reply["status"] for reply in replies] == ["active"] * 100
            with pytest.raises(CommandError, match="unknown command"):
                await client.call("nope")
            await client.cast("incr", name="web")
            await client.call("list")

    with served() as control:
        asyncio.run(ask(control.endpoint))
        assert control.arbiter.calls == [("change_wanted", "web", 1)]


def test_the_asyncio_client_gives_up_in_time() -> None:
    async def ask(endpoint: str) -> None:
        async with AsyncClient(endpoint, timeout_s=0.05) as client:
            with pytest.raises(CallError, match="no answer to 'list'"):
                await client.call("list")

    with short_directory() as directory:
        asyncio.run(ask(f"ipc://{directory}/none"))


GREEN = """
from gevent import monkey; monkey.patch_all()
import sys, gevent
from circus_stack.client.sync import Client
from circus_stack.client.subscriber import Subscriber
ticks = []
def tick():
    while True:
        ticks.append(1)
        gevent.sleep(0.01)
ticker = gevent.spawn(tick)
with Client(sys.argv[1], timeout_s=20) as client:
    assert client.call("list")["watchers"] == ["big one", "web"]
    before = len(ticks)
    client.call("restart", name="web", waiting=True)
    assert len(ticks) - before > 5, "the other greenlets stood still"
    with Subscriber(sys.argv[2]) as subscriber:
        assert subscriber.join(20)
        before = len(ticks)
        assert subscriber.receive(0.2) is None
        assert len(ticks) - before > 5, "the other greenlets stood still"
print("green")
"""


def test_under_gevent_other_greenlets_run_while_a_call_waits() -> None:
    async def slowly() -> Outcome:
        await asyncio.sleep(0.3)
        return DONE

    with served(FakeArbiter(slowly)) as control:
        done = subprocess.run(
            [sys.executable, "-c", GREEN, control.endpoint, control.publisher.endpoint],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert (done.stdout, done.returncode) == ("green\n", 0), done.stderr


def test_reachable_is_where_somebody_listens(tmp_path: Path) -> None:
    with served() as by_file, served(endpoint="tcp://127.0.0.1:0") as by_port:
        assert is_reachable(by_file.endpoint)
        assert is_reachable(by_port.endpoint)
        port = by_port.endpoint
    assert not is_reachable(port)
    assert not is_reachable(f"ipc://{tmp_path}/none")
    (tmp_path / "file").touch()
    assert not is_reachable(f"ipc://{tmp_path}/file")


def test_looking_whether_somebody_listens_is_no_trouble_for_the_server() -> None:
    with served() as control, control.client() as client:
        for _ in range(20):
            assert is_reachable(control.endpoint)
        assert client.call("list")["status"] == "ok"
