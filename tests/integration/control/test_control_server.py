"""The ROUTER endpoint on real sockets: whatever clients send, each gets its answer, and nobody holds up another."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from circus_stack.arbiter.outcome import Outcome
from circus_stack.client.sync import Client
from circus_stack.control.entrance.entrance import Entrance
from circus_stack.errors import SocketError
from circus_stack.protocol.codec import MAX_MESSAGE
from tests.integration.control.served import Served, served, short_directory
from tests.support.fake_arbiter import DONE, FakeArbiter
from tests.support.waiting import PATIENCE_S, wait_until


class Peer:
    """A raw socket, as any program could open one."""

    def __init__(
        self, context: zmq.Context[Any], endpoint: str, kind: int = zmq.DEALER, receive_limit: int = 0
    ) -> None:
        self.socket = context.socket(kind)
        self.socket.setsockopt(zmq.LINGER, 0)
        if receive_limit:
            self.socket.setsockopt(zmq.RCVHWM, receive_limit)
        self.socket.connect(endpoint)

    def send(self, *frames: bytes) -> None:
        self.socket.send_multipart(frames)

    def receive(self) -> dict[str, Any]:
        assert self.socket.poll(PATIENCE_S * 1000), "no answer"
        reply = json.loads(self.socket.recv_multipart()[-1])
        assert isinstance(reply, dict)
        return reply

    def ask(self, command: str, **properties: Any) -> dict[str, Any]:
        id = uuid.uuid4().hex
        self.send(json.dumps({"id": id, "command": command, "properties": properties}).encode())
        reply = self.receive()
        assert reply["id"] == id
        return reply


@contextlib.contextmanager
def peers(endpoint: str, count: int = 1, **options: Any) -> Iterator[list[Peer]]:
    context: zmq.Context[Any] = zmq.Context()
    found = [Peer(context, endpoint, **options) for _ in range(count)]
    try:
        yield found
    finally:
        for peer in found:
            peer.socket.close(linger=0)
        context.term()


HOSTILE: list[tuple[list[bytes], int]] = [
    ([b""], 1),
    ([b"garbage"], 1),
    ([b"\xff\xfe"], 1),
    ([b'"\xff"'], 1),
    ([b"NaN"], 1),
    ([b'{"id": NaN}'], 1),
    ([b"[" * 200_000], 1),
    ([b'{"a":' * 100_000], 1),
    ([b"[]"], 3),
    ([b"null"], 3),
    ([b"{}"], 3),
    ([b'{"command": null}'], 3),
    ([b'{"command": 5}'], 3),
    ([b'{"command": ["list"]}'], 3),
    ([b'{"command": "list", "properties": []}'], 3),
    ([b'{"command": "list", "properties": {"name": {"a": 1}}}'], 3),
    ([b'{"command": "incr", "properties": {"name": "web", "nb": 1e308}}'], 3),
    ([b'{"command": "nope"}'], 2),
    ([b'{"command": "__init__"}'], 2),
    ([b'{"command": ""}'], 2),
    ([b'{"command": "list"}', b'{"command": "list"}'], 3),
    ([b"x"] * 500, 3),
    ([b"a", b"", b"b"], 3),
]


@pytest.mark.parametrize(("frames", "errno"), HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_hostile_input_is_answered_with_an_errno_and_the_server_goes_on(frames: list[bytes], errno: int) -> None:
    with served() as control, peers(control.endpoint) as [peer]:
        peer.send(*frames)
        reply = peer.receive()

        assert (reply["status"], reply["errno"], reply["tb"]) == ("error", errno, None)
        assert reply["reason"]
        assert peer.ask("list")["status"] == "ok"


def test_a_message_without_a_payload_is_answered_too() -> None:
    with served() as control, peers(control.endpoint) as [peer]:
        peer.send(b"", b"")
        assert peer.receive()["errno"] == 1


def test_a_message_that_is_too_long_costs_its_sender_the_connection_and_nobody_else() -> None:
    with served() as control, peers(control.endpoint, 2) as [greedy, modest]:
        greedy.send(b" " * (MAX_MESSAGE + 1))
        greedy_command = json.dumps({"id": 1, "command": "list"}).encode()

        assert modest.ask("list")["status"] == "ok"
        # ZeroMQ connects anew by itself: the next message is answered again.
        wait_until(lambda: _asks_again(greedy, greedy_command), "an answer on a new connection")


def _asks_again(peer: Peer, data: bytes) -> bool:
    peer.send(data)
    return bool(peer.socket.poll(200)) and bool(peer.receive())


def test_a_handler_that_fails_tells_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    arbiter = FakeArbiter()
    arbiter.sockets = None  # type: ignore[assignment, method-assign]
    with served(arbiter) as control, peers(control.endpoint) as [peer]:
        reply = peer.ask("listsockets")

        assert (reply["errno"], reply["tb"]) == (5, None)
        assert "command 'listsockets' failed" in reply["reason"]
        assert peer.ask("list")["status"] == "ok"
    assert "TypeError" in caplog.text


def test_a_req_socket_is_answered() -> None:
    with served() as control, peers(control.endpoint, kind=zmq.REQ) as [peer]:
        assert peer.ask("numwatchers")["numwatchers"] == 2
        assert peer.ask("numwatchers")["numwatchers"] == 2


def test_requests_that_come_all_at_once_are_all_answered_in_their_order() -> None:
    """The socket's edge-triggered descriptor must lose none: more requests than one turn of the loop reads."""
    with served() as control, peers(control.endpoint) as [peer]:
        for number in range(1000):
            peer.send(json.dumps({"id": number, "command": "list"}).encode())

        assert [peer.receive()["id"] for _ in range(1000)] == list(range(1000))


def test_many_clients_at_once() -> None:
    with served() as control, peers(control.endpoint, 50) as found:
        for round_ in range(5):
            for number, peer in enumerate(found):
                peer.send(json.dumps({"id": [round_, number], "command": "status"}).encode())
            assert [peer.receive()["id"] for peer in found] == [[round_, number] for number in range(50)]


def test_a_client_that_does_not_read_stalls_nobody() -> None:
    with (
        served() as control,
        peers(control.endpoint, receive_limit=1) as [deaf],
        peers(control.endpoint) as [other],
    ):
        # Some 30 KiB each: far more than the kernel's buffers and the queue of one client hold.
        for number in range(3000):
            with contextlib.suppress(zmq.Again):
                deaf.socket.send(json.dumps({"id": number, "command": "schema"}).encode(), zmq.NOBLOCK)

        wait_until(lambda: dropped(control) > 0, "a reply that is dropped", detail=lambda: dropped(control))
        assert other.ask("status")["status"] == "ok"


def dropped(control: Served) -> int:
    router = control.server._router
    return 0 if router is None else router.dropped


def test_a_client_that_leaves_before_its_answer_is_no_trouble() -> None:
    with served() as control:
        for _ in range(20):
            with peers(control.endpoint) as [peer]:
                peer.send(b'{"id": 1, "command": "stats"}')
        with peers(control.endpoint) as [peer]:
            assert peer.ask("list")["status"] == "ok"


def test_a_cast_has_its_effect_and_no_answer() -> None:
    with served() as control, peers(control.endpoint) as [peer]:
        for command in ("incr", "nope"):
            message = {"id": 1, "command": command, "properties": {"name": "web"}, "msg_type": "cast"}
            peer.send(json.dumps(message).encode())

        assert peer.ask("list")["watchers"] == ["big one", "web"]
        assert control.arbiter.calls == [("change_wanted", "web", 1)]


def test_questions_are_answered_while_operations_wait() -> None:
    gate = threading.Event()

    async def until_gate() -> Outcome:
        while not gate.is_set():
            await asyncio.sleep(0.01)
        return DONE

    with served(FakeArbiter(until_gate)) as control, peers(control.endpoint, 2) as [waiting, asking]:
        waiting.send(b'{"id": "slow", "command": "restart", "properties": {"name": "web", "waiting": true}}')
        for command in ("status", "list", "stats", "numprocesses"):
            assert asking.ask(command)["status"] == "ok"
        assert not waiting.socket.poll(0)

        gate.set()
        reply = waiting.receive()
        assert (reply["id"], reply["info"]["kept"]) == ("slow", [13])


def test_quit_that_waits_is_answered_just_before_the_end() -> None:
    with served() as control, peers(control.endpoint) as [peer]:
        peer.send(b'{"id": 1, "command": "quit", "properties": {"waiting": true}}')
        wait_until(lambda: control.arbiter.calls == [("request_quit",)], "the request to quit")
        assert not peer.socket.poll(0)

        control.close_server()
        assert peer.receive()["status"] == "ok"


def test_an_operation_that_the_end_overtakes_is_answered() -> None:
    async def forever() -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    with served(FakeArbiter(forever)) as control, peers(control.endpoint) as [peer]:
        peer.send(b'{"id": 1, "command": "restart", "properties": {"waiting": true}}')
        wait_until(lambda: control.arbiter.calls, "the operation")

        control.close_server()
        assert "quit before the operation ended" in peer.receive()["reason"]


def test_real_figures() -> None:
    arbiter = FakeArbiter()
    arbiter.pids = {"web": [arbiter.pids["web"][0]], "Big One": []}
    with served(arbiter) as control, peers(control.endpoint) as [peer]:
        info = peer.ask("dstats")["info"]

        assert info["pid"] == os.getpid()
        assert info["rss"] > 0
        # Pid 12 of the recording arbiter is a kernel's thread, somebody's process, or nobody's: each has an answer.
        assert isinstance(peer.ask("stats")["infos"]["web"]["12"], dict | str)


def test_a_tcp_endpoint_tells_its_port() -> None:
    with served(endpoint="tcp://localhost:0") as control, peers(control.endpoint) as [peer]:
        assert control.endpoint.startswith("tcp://127.0.0.1:")
        assert not control.endpoint.endswith(":0")
        assert peer.ask("globaloptions")["options"]["endpoint"] == control.endpoint


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:0", None])
def test_an_endpoint_in_use_is_told_and_left_to_who_has_it(endpoint: str | None) -> None:
    with served(endpoint=endpoint) as control, peers(control.endpoint) as [peer]:
        with (
            pytest.raises(SocketError, match="is another circusd or circus-stack running"),
            served(endpoint=control.endpoint),
        ):
            pass
        assert peer.ask("list")["status"] == "ok"


def test_the_socket_file_is_for_its_user_alone() -> None:
    with served() as control:
        mode = Path(control.endpoint.removeprefix("ipc://")).stat().st_mode

        assert mode & 0o777 == 0o600


def switches(thread_id: int) -> int:
    """How often a thread of this process went to sleep: once more for each time it woke up."""
    for line in Path(f"/proc/self/task/{thread_id}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "voluntary_ctxt_switches":
            return int(value)
    raise AssertionError("no such line")


def test_nothing_polls_while_nobody_asks() -> None:
    tasks = Path("/proc/self/task")
    before = set(tasks.iterdir())
    with served() as control, peers(control.endpoint) as [peer]:
        peer.ask("list")
        loop_thread = control.thread_id
        others = {int(each.name) for each in set(tasks.iterdir()) - before} - {loop_thread}
        wait_until(lambda: _is_quiet([loop_thread, *others]), "threads that sleep on")


def _is_quiet(threads: list[int]) -> bool:
    before = [switches(thread) for thread in threads]
    time.sleep(0.5)
    return [switches(thread) for thread in threads] == before


def test_a_message_that_is_too_long_is_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with served() as control, peers(control.endpoint, 2) as [greedy, polite]:
        assert polite.ask("list")["status"] == "ok"
        greedy.send(b" " * (4 * MAX_MESSAGE))

        wait_until(lambda: "lost its connection" in caplog.text, "a word in the log")
        polite.socket.close(linger=0)
        assert control.server.cut >= 1
    assert caplog.text.count("lost its connection") == control.server.cut
    assert "over 1048576 bytes" in caplog.text


def test_clients_that_come_and_go_are_no_news(caplog: pytest.LogCaptureFixture) -> None:
    with served() as control:
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(20):
            with peers(control.endpoint) as [peer]:
                assert peer.ask("list")["status"] == "ok"
        wait_until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before + 2, "descriptors that are closed")
    assert control.server.cut == 0
    assert caplog.text == ""


def test_listen_is_told_where_to_go() -> None:
    with served() as control, peers(control.endpoint) as [peer]:
        reply = peer.ask("listen")

    assert reply["errno"] == 3
    assert reply["reason"] == "listen is no command: subscribe to the endpoint of events (pubsub_endpoint)"


def test_an_id_is_an_id_and_no_burden() -> None:
    with served() as control, peers(control.endpoint) as [peer]:
        peer.send(json.dumps({"id": "x" * 100_000, "command": "list"}).encode())
        reply = peer.receive()

    assert (reply["errno"], reply["id"]) == (3, None)


def test_a_crowd_of_short_lived_clients_is_answered_one_and_all() -> None:
    with served() as control:
        for _ in range(60):
            with Client(control.endpoint, timeout_s=PATIENCE_S) as client:
                assert client.call("numwatchers")["numwatchers"] == 2
        assert control.server.cut == 0


def test_the_file_of_an_endpoint_is_given_to_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "chown", lambda *args, **options: given.append((*args, options)))

    async def offer(directory: Path, router: zmq.Socket[Any]) -> str:
        loop = asyncio.get_running_loop()
        first = Entrance(loop, router, f"ipc://{directory}/c", owner="root")
        with pytest.raises(SocketError, match="'nobody-9' is no user"):
            Entrance(loop, router, f"ipc://{directory}/d", owner="nobody-9")
        assert not (directory / "d").exists()
        Entrance(loop, router, "tcp://127.0.0.1:0", owner="nobody-9").close(0)
        first.close(0)
        return first.endpoint

    with short_directory() as directory, zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        endpoint = asyncio.run(offer(directory, router))

    assert given == [(endpoint.removeprefix("ipc://"), 0, -1, {"follow_symlinks": False})]


def test_requests_that_wait_without_saying_so_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("circus_stack.control.server.MAX_PENDING", 3)
    arbiter = FakeArbiter()
    arbiter.is_reconfiguring = True
    with served(arbiter) as control, peers(control.endpoint) as [peer]:
        for number in range(4):
            properties = {"name": f"w{number}", "cmd": "sleep 1"}
            peer.send(json.dumps({"id": str(number), "command": "add", "properties": properties}).encode())
        refused = peer.receive()
        assert (refused["id"], refused["status"]) == ("3", "error")
        assert refused["reason"] == "3 requests are waiting already: try again later"
        control.run(arbiter.reconfigured.set)
        assert {peer.receive()["id"] for _ in range(3)} == {"0", "1", "2"}
