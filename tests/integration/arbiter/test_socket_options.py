"""Every option of a socket, asked of the kernel."""

from __future__ import annotations

import grp
import logging
import os
import pwd
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from circus_stack.arbiter.activation import Given, take_given
from circus_stack.arbiter.sockets import ListeningSocket, bind, bind_all
from circus_stack.config.schema import SocketConfig
from circus_stack.errors import SocketError

needs_root = pytest.mark.usefixtures("as_root")


@pytest.fixture
def open_one() -> Iterator[Callable[..., ListeningSocket]]:
    """Binds sockets that are closed at the end."""
    opened: list[ListeningSocket] = []

    def open_it(**options: object) -> ListeningSocket:
        values: dict[str, object] = {"name": "s", "host": "127.0.0.1", "port": 0, **options}
        opened.append(bind(SocketConfig(**values)))  # type: ignore[arg-type]
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()


def kernels(listening: ListeningSocket) -> socket.socket:
    """A Python socket for the same one."""
    return socket.socket(fileno=os.dup(listening.fd))


def option(listening: ListeningSocket, name: int) -> int:
    with kernels(listening) as sock:
        return sock.getsockopt(socket.SOL_SOCKET, name)


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("kind", "listens"), [("SOCK_STREAM", 1), ("SOCK_DGRAM", 0), ("SOCK_SEQPACKET", 1)])
def test_types_of_unix_sockets(open_one, short_path: Path, kind: str, listens: int) -> None:
    path = short_path / "s"
    listening = open_one(path=str(path), type=kind)
    assert option(listening, socket.SO_TYPE) == getattr(socket, kind)
    assert option(listening, socket.SO_ACCEPTCONN) == listens
    with socket.socket(socket.AF_UNIX, getattr(socket, kind)) as client:
        client.connect(str(path))
    listening.close()
    assert not path.exists()


def test_datagrams_arrive(open_one) -> None:
    listening = open_one(type="SOCK_DGRAM")
    view = listening.view()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, kernels(listening) as server:
        client.sendto(b"hello", (view.host, view.port))
        server.settimeout(20)
        assert server.recv(10) == b"hello"


def test_a_taken_udp_port_names_its_holder(open_one) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(
            SocketError, match=rf"cannot bind 127.0.0.1:\d+: Address already in use, held by .*{os.getpid()}"
        ):
            open_one(type="SOCK_DGRAM", port=taken.getsockname()[1])


def test_a_socket_that_cannot_be_made_says_of_what_kind() -> None:
    with pytest.raises(SocketError, match="cannot make a socket of AF_INET, SOCK_STREAM, proto 17"):
        bind(SocketConfig(name="s", host="127.0.0.1", port=0, proto=socket.IPPROTO_UDP))


def test_blocking_or_not(open_one) -> None:
    for is_blocking in (True, False):
        assert os.get_blocking(open_one(blocking=is_blocking).fd) is is_blocking


def test_ipv6(open_one) -> None:
    view = open_one(host="::1", family="AF_INET6").view()
    with socket.create_connection((view.host, view.port), timeout=20):
        pass


@needs_root
def test_an_interface_and_one_that_is_not_there(open_one) -> None:
    listening = open_one(interface="lo")
    with kernels(listening) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0") == b"lo"
    with pytest.raises(
        SocketError, match=r"cannot bind to the interface 'nope': there is none of that name, only .*lo"
    ):
        open_one(interface="nope")


def test_the_mode_of_a_path(open_one, short_path: Path) -> None:
    open_one(path=str(short_path / "m"), mode=0o640)
    open_one(path=str(short_path / "u"), umask=0o027)
    open_one(path=str(short_path / "both"), umask=0o027, mode=0o606)
    assert [permissions(short_path / name) for name in ("m", "u", "both")] == [0o640, 0o750, 0o606]


@needs_root
def test_the_owner_and_the_group_of_a_path(open_one, short_path: Path) -> None:
    path = short_path / "s"
    open_one(path=str(path), owner="nobody", group="daemon", mode=0o660)
    found = path.stat()
    assert (found.st_uid, found.st_gid) == (pwd.getpwnam("nobody").pw_uid, grp.getgrnam("daemon").gr_gid)
    assert permissions(path) == 0o660


def test_an_owner_who_does_not_exist(open_one, short_path: Path) -> None:
    with pytest.raises(SocketError, match="socket 's': there is no user 'nobody-there' on this machine"):
        open_one(path=str(short_path / "s"), owner="nobody-there")


def test_a_path_in_use_is_taken_over_only_where_asked_for(open_one, short_path: Path) -> None:
    path = str(short_path / "s")
    first = open_one(path=path)
    with pytest.raises(SocketError, match=r"another process listens on .*; replace = True takes it over"):
        open_one(path=path)
    second = open_one(path=path, replace=True)
    with socket.socket(socket.AF_UNIX) as client, kernels(second) as server:
        client.connect(path)
        server.accept()[0].close()
    assert first.fd != second.fd


def test_what_is_no_socket_is_never_replaced(open_one, short_path: Path) -> None:
    (short_path / "s").write_text("precious")
    with pytest.raises(SocketError, match="exists and is not a socket"):
        open_one(path=str(short_path / "s"), replace=True)
    assert (short_path / "s").read_text() == "precious"


def test_another_declaration_of_the_same_address_changes_what_can_be_changed(open_one, short_path: Path) -> None:
    path = short_path / "s"
    listening = open_one(path=str(path), mode=0o600)
    new = SocketConfig(name="s", path=str(path), mode=0o666, blocking=True, backlog=5)
    assert listening.takes_over(new)
    listening.adopt(new)
    assert permissions(path) == 0o666
    assert os.get_blocking(listening.fd)
    assert not listening.takes_over(SocketConfig(name="s", path=str(path), type="SOCK_DGRAM"))


# -- one socket for each process --------------------------------------------------------------------------------------


def served(fd: int, answers: list[int], number: int) -> threading.Thread:
    """Accept all that is queued on one socket until it is empty."""

    def run() -> None:
        with socket.socket(fileno=os.dup(fd)) as server:
            server.setblocking(False)
            while True:
                try:
                    server.accept()[0].close()
                except BlockingIOError:
                    return
                answers.append(number)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def connect(port: int, count: int) -> None:
    clients = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(count)]
    for client in clients:
        client.close()


def queued(listening: ListeningSocket, lanes: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    """How many connections each lane had waiting."""
    counts = {}
    for key, fd in lanes.items():
        answers: list[int] = []
        served(fd, answers, 0).join(20)
        counts[key] = len(answers)
    return counts


def test_lanes_share_a_port_and_a_successor_gets_the_same_socket(open_one) -> None:
    listening = open_one(so_reuseport=True)
    lanes = {("a", number): listening.lane_fd("a", number) for number in range(3)} | {
        ("b", 0): listening.lane_fd("b", 0)
    }
    assert len(set(lanes.values())) == 4
    assert lanes["a", 0] == listening.fd, "the first one is nobody's otherwise, and its queue would not be served"
    assert listening.lane_fd("a", 2) == lanes["a", 2]
    connect(listening.view().port, 80)
    counts = queued(listening, lanes)
    assert sum(counts.values()) == 80
    assert all(counts.values())


def test_a_lane_that_goes_gets_nothing_new_and_loses_nothing(open_one) -> None:
    listening = open_one(so_reuseport=True)
    port = listening.view().port
    lanes = {("a", number): listening.lane_fd("a", number) for number in range(4)}
    connect(port, 40)
    before = queued(listening, {("a", 3): lanes["a", 3]})
    assert before["a", 3] > 0, "it takes part as long as it is wanted"
    listening.settle("a", 2, {0, 1, 2, 3})
    queued(listening, lanes)
    connect(port, 60)
    counts = queued(listening, lanes)
    assert (counts["a", 2], counts["a", 3]) == (0, 0)
    assert counts["a", 0] + counts["a", 1] == 60
    listening.settle("a", 2, {0, 1})
    connect(port, 60)
    counts = queued(listening, {key: fd for key, fd in lanes.items() if key[1] < 2})
    assert sum(counts.values()) == 60
    lanes["a", 2] = listening.lane_fd("a", 2)
    connect(port, 90)
    counts = queued(listening, {key: fd for key, fd in lanes.items() if key[1] < 3})
    assert sum(counts.values()) == 90
    assert all(counts.values()), "a lane that is wanted again takes part again"


def test_a_path_has_one_socket_for_all(open_one, short_path: Path) -> None:
    listening = open_one(path=str(short_path / "s"), so_reuseport=True)
    assert not listening.is_laned
    assert listening.lane_fd("a", 0) == listening.lane_fd("a", 1) == listening.fd


# -- sockets that a supervisor gives ----------------------------------------------------------------------------------


def given(name: str, sock: socket.socket) -> Given:
    return Given(name, socket.socket(fileno=os.dup(sock.fileno())))


def test_given_sockets_are_taken_by_name_or_by_address(short_path: Path) -> None:
    path = str(short_path / "s")
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
        socket.socket(socket.AF_UNIX) as three,
    ):
        three.bind(path)
        three.listen()
        configs = [
            SocketConfig(name="web", host="127.0.0.1", port=0),
            SocketConfig(name="other", host="localhost", port=two.getsockname()[1]),
            SocketConfig(name="unix", path=path),
        ]
        bound = bind_all(configs, [given("", two), given("WEB", one), given("", three)])
        try:
            assert bound["web"].view().port == one.getsockname()[1]
            assert bound["other"].view().port == two.getsockname()[1]
        finally:
            for each in bound.values():
                each.close()
        assert Path(path).exists(), "its file belongs to whoever made it"


def test_a_given_socket_that_nobody_declared_is_told(caplog) -> None:
    caplog.set_level(logging.WARNING, "circus_stack")
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        extra = given("spare", one)
        fd = extra.sock.fileno()
        assert bind_all([], [extra]) == {}
        os.close(fd)
    assert f"'spare' at 127.0.0.1:{port} is no socket of this file" in caplog.text


def test_variables_for_another_process_mean_nothing() -> None:
    assert take_given({"LISTEN_PID": "1", "LISTEN_FDS": "1"}, pid=2) == []
    assert take_given({"LISTEN_FDS": "1"}, pid=2) == []


def test_a_count_that_is_no_number_is_told(caplog) -> None:
    caplog.set_level(logging.WARNING, "circus_stack")
    assert take_given({"LISTEN_PID": "2", "LISTEN_FDS": "many"}, pid=2) == []
    assert "LISTEN_FDS is 'many', not a number" in caplog.text
