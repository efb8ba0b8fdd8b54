"""The arbiter as a service: what it tells its service manager, which sockets it takes, how a hang ends."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.serve.projects import write_ini
from tests.support.ports import free_port
from tests.support.processes import BIN
from tests.support.service_manager import ServiceManager, listening
from tests.support.stack import Room, RunningStack

# Without processes: where the arbiter is killed, nothing of it lives on.
IDLE = """\
[watcher:idle]
cmd = sleep 600
autostart = false
"""


@pytest.fixture
def manager(here: Room) -> Iterator[ServiceManager]:
    made = ServiceManager(here.base)
    yield made
    made.close()


def start(here: Room, manager: ServiceManager, *argv: str, **more: object) -> RunningStack:
    program = manager.start(
        [str(BIN / argv[0]), *argv[1:]],
        here.directory / "service.log",
        environ=here.environ,
        cwd=here.directory,
        **more,  # type: ignore[arg-type]
    )
    return here.adopt(program)


def write_idle(here: Room) -> Path:
    path = here.directory / "idle.ini"
    path.write_text(IDLE)
    return path


def test_a_life_is_told_from_start_to_end(here: Room, manager: ServiceManager) -> None:
    ini = write_ini(here.directory)
    stack = start(here, manager, "circus-stack", "serve", str(ini))
    assert manager.wait("READY=1").fields == {
        "READY": "1",
        "MAINPID": str(stack.pid),
        "STATUS": "1 of 1 watchers up",
    }
    before = stack.pids()
    began = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000

    stack.send(signal.SIGHUP)
    reloading = manager.wait("RELOADING=1")
    assert began <= int(reloading.fields["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    manager.wait("READY=1")
    # READY comes when the new workers serve, and not before.
    assert not set(before) & set(stack.wait_pids(2, other_than=before))

    assert here.run("circus-stack", "reload").returncode == 0
    manager.wait("RELOADING=1")
    manager.wait("READY=1")
    assert stack.stop(signal.SIGTERM) == 0
    manager.wait("STOPPING=1")
    assert [each.fields for each in manager.messages if "WATCHDOG" in each.fields] == []


def test_a_reload_that_is_refused_ends_as_ready_too(here: Room, manager: ServiceManager) -> None:
    ini = write_ini(here.directory)
    stack = start(here, manager, "circus-stack", "serve", str(ini))
    manager.wait("READY=1")
    ini.write_text("[watcher:web]\nnonsense = 1\n")
    assert here.run("circus-stack", "reload").returncode == 1
    manager.wait("RELOADING=1")
    assert manager.wait("READY=1").fields["STATUS"] == "1 of 1 watchers up"
    assert stack.stop() == 0


def test_what_fails_is_named_in_the_status(here: Room, manager: ServiceManager) -> None:
    ini = here.directory / "idle.ini"
    ini.write_text(f"{IDLE}\n[watcher:broken]\ncmd = false\nmax_failures = 1\n")
    stack = start(here, manager, "circus-stack", "serve", str(ini))
    manager.wait("STATUS=0 of 2 watchers up; failed: broken")
    assert stack.stop() == 0


def test_workers_have_no_say(here: Room, manager: ServiceManager) -> None:
    """They are told of a socket of the arbiter's, and not of its manager's."""
    ini = write_ini(here.directory)
    stack = start(here, manager, "circus-stack", "serve", str(ini), watchdog_usec=600_000_000)
    manager.wait("READY=1")
    body = stack.client().fetch("/env/NOTIFY_SOCKET")[1]
    assert body.decode() != manager.address
    assert {each.pid for each in manager.messages} == {stack.pid}
    assert stack.stop() == 0


def test_circusd_at_an_abstract_address(here: Room) -> None:
    with contextlib.closing(ServiceManager(here.base, is_abstract=True)) as manager:
        ini = here.directory / "circus.ini"
        endpoints = "".join(f"{name} = ipc://{here.base}/{name}\n" for name in ("endpoint", "pubsub_endpoint"))
        ini.write_text(f"[circus]\n{endpoints}\n{IDLE}")
        stack = start(here, manager, "circusd", str(ini))
        manager.wait("READY=1")
        assert stack.stop(signal.SIGTERM) == 0
        manager.wait("STOPPING=1")


def test_the_watchdog_is_fed_by_the_loop_and_a_hang_is_ended(here: Room, manager: ServiceManager) -> None:
    stack = start(here, manager, "circus-stack", "serve", str(write_idle(here)), watchdog_usec=2_000_000)
    manager.wait("READY=1")
    for _ in range(3):
        manager.wait("WATCHDOG=1")
    stack.send(signal.SIGSTOP)
    manager.watch(2.0)
    assert stack.program.wait_exit() == -signal.SIGABRT


def test_a_watchdog_of_another_process_is_not_fed(here: Room, manager: ServiceManager) -> None:
    here.environ |= {"WATCHDOG_PID": "1", "WATCHDOG_USEC": "1000"}
    stack = here.adopt(
        manager.start(
            ["/usr/bin/env", "WATCHDOG_PID=1", str(BIN / "circus-stack"), "serve", str(write_idle(here))],
            here.directory / "service.log",
            environ=here.environ,
            cwd=here.directory,
        )
    )
    manager.wait("READY=1")
    assert stack.stop() == 0
    manager.wait("STOPPING=1")
    assert not any("WATCHDOG" in each.fields for each in manager.messages)


def test_without_a_manager_nothing_is_missing(here: Room) -> None:
    stack = here.serve(str(write_idle(here)), env={"NOTIFY_SOCKET": str(here.base / "nobody")})
    assert stack.stop() == 0


def test_sockets_of_the_manager_are_served_on(here: Room, manager: ServiceManager) -> None:
    """Two of them, in the other order: one is meant by its name, the other by its address."""
    path, port = str(here.base / "web.sock"), free_port()
    server = f"use = egg:circus-stack\nlisten = 127.0.0.1:{port} unix:{path}\nbackend = wsgiref\nworkers = 1\n"
    ini = write_ini(here.directory, server=server)
    with contextlib.ExitStack() as opened:
        unix = opened.enter_context(listening(path))
        tcp = opened.enter_context(listening(("127.0.0.1", port)))
        # Queued before anybody serves: socket activation loses no connection.
        early = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
        early.sendall(b"GET / HTTP/1.0\r\n\r\n")
        stack = start(here, manager, "circus-stack", "serve", str(ini), sockets={"shop.socket": unix, "web": tcp})
        manager.wait("READY=1")
        assert early.recv(16).startswith(b"HTTP/1.")
        assert stack.client("web").fetch("/env/LISTEN_FDS")[1] == b"-"
        with contextlib.closing(here.client(path)) as client:
            assert client.fetch("/")[0].status == 200
        assert stack.stop(signal.SIGTERM) == 0
        # They are the manager's: it goes on listening, and the file stays for the next start.
        assert Path(path).exists()
        with socket.create_connection(("127.0.0.1", port)):
            pass
