"""sock_diag: what is asked, what is answered, and whose socket it is."""

from __future__ import annotations

import socket
import struct

import pytest

from circus_stack.stats.sockets.messages import DiagError, Queue, parse, request
from circus_stack.stats.sockets.queues import QueueReader, family_of, with_queue


def message(kind: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + padded


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def inet(host: str, port: int, queued: int, limit: int, drops: int) -> bytes:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    address = socket.inet_pton(family, host).ljust(16, b"\0")
    body = struct.pack("=4B", family, 10, 0, 0) + struct.pack("!HH", port, 0) + address + bytes(16 + 12)
    body += struct.pack("=5I", 0, queued, limit, 0, 99)
    return message(20, body + attribute(7, struct.pack("=9I", *range(8), drops)))


def unix(path: bytes, queued: int, limit: int) -> bytes:
    body = struct.pack("=4BI2I", socket.AF_UNIX, 1, 10, 0, 99, 0, 0)
    return message(20, body + attribute(0, path) + attribute(4, struct.pack("=II", queued, limit)))


DONE = message(3, struct.pack("=i", 0))


def test_queues_of_tcp() -> None:
    found, is_done = parse(socket.AF_INET, inet("127.0.0.1", 80, 3, 128, 7) + inet("0.0.0.0", 81, 0, 64, 0) + DONE)
    assert is_done
    assert found == [Queue("127.0.0.1", 80, "", 3, 128, 7), Queue("0.0.0.0", 81, "", 0, 64, 0)]
    assert parse(socket.AF_INET6, inet("::1", 80, 1, 2, 0)) == ([Queue("::1", 80, "", 1, 2, 0)], False)


def test_queues_of_unix_sockets() -> None:
    found, _ = parse(socket.AF_UNIX, unix(b"/run/web\0", 2, 16) + unix(b"\0abstract", 0, 1))
    assert found == [Queue("", 0, "/run/web", 2, 16, None), Queue("", 0, "\0abstract", 0, 1, None)]


def test_an_error_and_garbage_are_told_apart() -> None:
    with pytest.raises(DiagError) as error:
        parse(socket.AF_INET, message(2, struct.pack("=i", -2)))
    assert error.value.errno == 2
    with pytest.raises(ValueError, match="cut off"):
        parse(socket.AF_INET, inet("127.0.0.1", 80, 3, 128, 7)[:-4])


def test_a_request_is_as_long_as_it_says() -> None:
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        data = request(family)
        assert struct.unpack_from("=I", data)[0] == len(data)
        assert data[16] == family


def test_a_socket_gets_its_own_queue() -> None:
    queues = [
        Queue("127.0.0.1", 80, "", 3, 128, 7),
        Queue("0.0.0.0", 80, "", 9, 9, 9),
        Queue("", 0, "/run/u", 1, 2, None),
    ]
    web = {"name": "web", "host": "127.0.0.1", "port": 80}
    assert with_queue(web, queues) == {**web, "queued": 3, "limit": 128, "drops": 7}
    assert with_queue({"path": "/run/u"}, queues) == {"path": "/run/u", "queued": 1, "limit": 2, "drops": None}
    scoped = {"host": "fe80::1%eth0", "port": 80}
    assert with_queue(scoped, [Queue("fe80::1", 80, "", 1, 2, 0)])["queued"] == 1
    assert with_queue({"host": "::1", "port": 80}, queues) == {"host": "::1", "port": 80}
    # One a process, with so_reuseport.
    twice = with_queue(web, [*queues, queues[0]])
    assert (twice["queued"], twice["limit"], twice["drops"]) == (6, 256, 14)
    assert [family_of(each) for each in ({"path": "x"}, {"host": "::"}, {"host": "1.2.3.4"})] == [
        socket.AF_UNIX, socket.AF_INET6, socket.AF_INET,
    ]  # fmt: skip


def test_a_family_that_does_not_answer_is_asked_again_later(caplog: pytest.LogCaptureFixture) -> None:
    now, asked, broken = 100.0, list[int](), True

    def dump(family: int) -> list[Queue]:
        asked.append(family)
        if family == socket.AF_INET and broken:
            raise DiagError(2)
        return [Queue("127.0.0.1", 80, "", 3, 128, 7), Queue("", 0, "/run/u", 1, 2, None)]

    reader = QueueReader(dump, lambda: now)
    listed = [{"host": "127.0.0.1", "port": 80}, {"path": "/run/u"}]
    for _ in range(2):
        web, unix_socket = reader.read(listed)
        # One family's error takes nothing from another.
        assert ("queued" in web, unix_socket["queued"]) == (False, 1)
    assert (asked.count(socket.AF_INET), asked.count(socket.AF_UNIX)) == (1, 2)
    assert len(caplog.records) == 1
    now, broken = 111.0, False
    assert reader.read(listed)[0]["queued"] == 3
    assert reader.read(listed)[0]["queued"] == 3
