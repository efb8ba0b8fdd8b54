from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.config.stacks import APP, circus, mistakes, paste


def only(folder: Path, text: str) -> tuple[str, str, int]:
    """Section, option and line of the one mistake."""
    found = mistakes(circus, folder, text)
    assert len(found) == 1, found
    return found[0].section, found[0].option, found[0].line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[watcher:a]\nargs = x\n", ("watcher:a", "cmd", 1)),
        ("[watcher:a]\ncmd = x 'y\n", ("watcher:a", "cmd", 2)),
        ('[watcher:a]\ncmd = x\nargs = """\n', ("watcher:a", "args", 3)),
        ("[watcher:a]\ncmd = x\nsingleton = 1\nnumprocesses = 2\n", ("watcher:a", "numprocesses", 4)),
        ("[watcher:a]\ncmd = x\ndepends_on = b\n", ("watcher:a", "depends_on", 3)),
        ("[watcher:a]\ncmd = x\n[watcher:A]\ncmd = y\n", ("watcher:A", "", 3)),
        ("[watcher:a]\nuse_sockets = 1\ncmd = x $(circus.sockets.web)\n", ("watcher:a", "cmd", 3)),
        ("[watcher:a]\ncmd = x $(circus.sockets.s)\n[socket:s]\nport=0\n", ("watcher:a", "use_sockets", 1)),
        ("[watcher:a]\ncmd = x\n[socket:s]\npath = /" + "x" * 107 + "\n", ("socket:s", "path", 4)),
        ("[watcher:a]\ncmd = x\n[socket:s]\nport = 80\n[socket:t]\nhost=*\nport = 80\n", ("socket:t", "", 7)),
        ("[watcher:a]\ncmd = x\n[socket:s]\npath = /a\n[socket:t]\npath = /a\n", ("socket:t", "", 6)),
        ("[watcher:a]\ncmd = x\ndepends_on = A\n", ("watcher:a", "depends_on", 3)),
    ],
)
def test_a_mistake_between_sections_has_its_line(tmp_path: Path, text: str, expected: tuple[str, str, int]) -> None:
    assert only(tmp_path, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "[socket:a]\nport = x\n",
        "[socket:a]\nport = 8080\nfamily = AF_X\n",
        "[socket:a]\nport = x\n[watcher:w]\ncmd = y $(circus.sockets.a)\nuse_sockets = 1\nready = tcp:127.0.0.1:8080\n",
        "[server:main]\nuse = egg:circus-stack\nport = x\n[socket:a]\nport = 8080\n",
        "[server:main]\nuse = egg:waitress\nlisten = foo:bar\n[socket:a]\nport = 8080\n",
    ],
)
def test_no_default_collides_in_place_of_a_value_that_is_wrong(tmp_path: Path, text: str) -> None:
    assert len(mistakes(paste, tmp_path, APP + text)) == 1


def test_a_ring_is_shown_once_and_every_ring_is(tmp_path: Path) -> None:
    text = "".join(
        f"[watcher:{name}]\ncmd = x\ndepends_on = {other}\n"
        for name, other in (("a", "b"), ("b", "c"), ("c", "a"), ("x", "Y"), ("y", "x"), ("z", "a x"))
    )
    found = mistakes(circus, tmp_path, text)
    rings = [set(each.message.removeprefix("is a ring: ").split(" -> ")) for each in found]
    assert sorted(map(sorted, rings)) == [["a", "b", "c"], ["x", "y"]]


def test_a_ring_through_a_service_is_found(tmp_path: Path) -> None:
    text = f"{APP}[service:redis]\ndepends_on = w\n[watcher:w]\ncmd = x\ndepends_on = redis\n"
    assert "is a ring" in mistakes(paste, tmp_path, text)[0].message


@pytest.mark.parametrize(
    ("ready", "socket", "is_refused"),
    [
        ("tcp:127.0.0.1:80", "host = localhost\nport = 80", True),
        ("tcp:127.0.0.1:80", "host = 0.0.0.0\nport = 80", True),
        ("http://10.0.0.1/x", "host = *\nport = 80", True),
        ("http://localhost:81/x", "host = localhost\nport = 80", False),
        ("tcp:10.0.0.1:80", "host = 10.0.0.2\nport = 80", False),
        ("tcp:127.0.0.1:80", "path = /run/x", False),
        ("delay:80", "port = 80", False),
    ],
)
def test_readiness_by_the_watchers_own_socket_is_refused(
    tmp_path: Path, ready: str, socket: str, is_refused: bool
) -> None:
    text = f"[watcher:a]\ncmd = x\nuse_sockets = yes\nready = {ready}\n[socket:s]\n{socket}\n"
    if is_refused:
        assert only(tmp_path, text) == ("watcher:a", "ready", 4)
    else:
        circus(tmp_path, text)


def test_readiness_by_a_socket_that_others_use_is_fine(tmp_path: Path) -> None:
    circus(tmp_path, "[watcher:a]\ncmd = x\nready = tcp:127.0.0.1:80\n[socket:s]\nport = 80\n")


@pytest.mark.parametrize(
    "endpoint",
    ["tcp://127.0.0.1:5555", "tcp://localhost:1", "tcp://[::1]:5555", "tcp://127.8.8.8:9", "ipc:///run/x/control"],
)
def test_endpoints_that_stay_on_the_machine(tmp_path: Path, endpoint: str) -> None:
    stack = circus(tmp_path, f"[circus]\nendpoint = {endpoint}\n")
    assert stack.circus.endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint",
    ["tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://example.org:1", "tcp://127.0.0.1", "udp://x", "tcp://127.0.0.1:0",
     "ipc://", "ipc:///" + "x" * 110, "ipc://@name", "5555", "tcp://127.0.0.1:x"],
)  # fmt: skip
def test_endpoints_that_are_refused(tmp_path: Path, endpoint: str) -> None:
    for option in ("endpoint", "pubsub_endpoint"):
        assert only(tmp_path, f"[circus]\n{option} = {endpoint}\n") == ("circus", option, 2)


def test_a_name_that_a_service_has_is_taken(tmp_path: Path) -> None:
    found = mistakes(paste, tmp_path, f"{APP}[service:redis]\n[watcher:Redis]\ncmd = x\n")
    assert "is taken" in found[0].message


def test_the_name_of_a_socket_that_the_server_section_opens_is_taken(tmp_path: Path) -> None:
    found = mistakes(paste, tmp_path, f"{APP}[socket:WEB]\nport = 1\n")
    assert [each.section for each in found] == ["socket:web"]


def test_mistakes_of_a_whole_file_come_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = "[watcher:a]\nnumprocesses = x\nnonsense\nready = y\n[circus]\nendpoint = z\n[socket:s]\nport = p\n"
    assert [each.line for each in mistakes(circus, tmp_path, text)] == [1, 2, 3, 4, 6, 8]
