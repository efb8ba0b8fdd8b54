"""What somebody has recorded on the way and sends again changes nothing: each connection has keys of its own."""

from __future__ import annotations

import contextlib
import socket

from circus_stack.client.sync import Client
from tests.integration.security.guarded import Guarded
from tests.integration.security.recording_proxy import recording_proxy
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S


def recorded_session(guarded: Guarded) -> bytes:
    """An admin's session, with an `incr` in it that was carried out."""
    with recording_proxy(guarded.ports["control"]) as proxy:
        endpoint = f"tcp://127.0.0.1:{proxy.port}"
        with Client(endpoint, timeout_s=PATIENCE_S, credentials=guarded.credentials("admin")) as client:
            assert client.call("incr", name="web", waiting=True)["numprocesses"] == 3
        return bytes(proxy.sent)


# A greeting has 64 bytes. Behind it CURVE's HELLO is one of 200, in a frame with a head of 2, and is answered by a
# WELCOME of 168 in such a frame.
GREETING, HELLO, WELCOME = 64, 202, 170


def begin_replay(connection: socket.socket, data: bytes, *steps: tuple[int, int]) -> None:
    """Send bytes as they were recorded; `steps` are (so many, and so many come back), then the rest."""
    start = 0
    for count, answered in steps:
        connection.sendall(data[start : start + count])
        start += count
        heard = b""
        while len(heard) < answered:
            more = connection.recv(answered - len(heard))
            assert more, f"the other side hung up after {heard!r}"
            heard += more
    connection.sendall(data[start:])


def rest_of(connection: socket.socket) -> bytes:
    """What is still said until the other side hangs up."""
    heard = b""
    with contextlib.suppress(ConnectionResetError):
        while more := connection.recv(65536):
            heard += more
    return heard


def test_a_replayed_session_changes_nothing(guarded: Guarded) -> None:
    data = recorded_session(guarded)
    assert b"CURVE" in data
    assert b"incr" not in data
    guarded.stack.call("decr", name="web", waiting=True)
    guarded.stack.wait_pids(2)
    before = guarded.facts()

    for steps in [((GREETING, GREETING),), ((GREETING, GREETING), (HELLO, WELCOME))]:
        with socket.create_connection(("127.0.0.1", guarded.ports["control"]), timeout=PATIENCE_S) as connection:
            begin_replay(connection, data, *steps)
            # The arbiter has said no more than its own part of a handshake when it hangs up.
            assert len(rest_of(connection)) <= WELCOME

    assert guarded.facts() == before


def test_the_same_bytes_without_keys_would_have_been_taken(guarded: Guarded) -> None:
    """Shows that the test before can fail: on an endpoint without keys the very same way of replaying works."""
    here = guarded.here
    ini = here.directory / "open.ini"
    port = free_port()
    ini.write_text(
        f"[circus]\nendpoint = tcp://127.0.0.1:{port}\npubsub_endpoint = tcp://127.0.0.1:{free_port()}\n"
        "[watcher:web]\ncmd = sleep 600\n"
    )
    stack = here.circusd(str(ini))
    with recording_proxy(port) as proxy, Client(f"tcp://127.0.0.1:{proxy.port}", timeout_s=PATIENCE_S) as client:
        client.call("incr", name="web", waiting=True)
        data = bytes(proxy.sent)
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        begin_replay(connection, data, (GREETING, GREETING))
        stack.wait_pids(3)
    assert stack.stop() == 0
