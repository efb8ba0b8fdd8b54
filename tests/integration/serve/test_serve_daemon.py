"""`serve --daemon` and `circusd --daemon`: the terminal comes back with the truth about the start."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil

from tests.integration.serve.projects import write_ini, write_watchers
from tests.support.http_client import Client
from tests.support.ports import free_port, listening_socket
from tests.support.waiting import wait_until


def stop_daemon(here, pid: int, signum: int = signal.SIGTERM) -> None:
    """The daemon is our own child: the test process is its subreaper."""
    os.kill(pid, signum)
    wait_until(lambda: not [each for each in here.leftovers() if each.pid == pid], "the daemon's end")
    here.assert_nothing_left()


def assert_gone(here) -> None:
    """A daemon whose start has failed reports that, and ends a moment later."""
    wait_until(lambda: not here.leftovers(), "the daemon's end")
    here.assert_nothing_left()


def test_the_terminal_returns_once_the_stack_is_bound(here):
    port, pidfile = free_port(), here.base / "serve.pid"
    ini = str(write_ini(here.directory))
    done = here.run("circus-stack", "serve", ini, "--bind", f"127.0.0.1:{port}", "--daemon", "--pidfile", str(pidfile))
    assert done.returncode == 0, done.stderr
    pid = int(pidfile.read_text())
    daemon = psutil.Process(pid)
    assert os.getsid(pid) not in (os.getsid(0), pid), "it leads no session, so that it can get no terminal"
    assert daemon.terminal() is None
    assert {Path(f"/proc/{pid}/fd/{fd}").readlink() for fd in (0, 1, 2)} == {Path(os.devnull)}

    # Bound, so that a connection is never refused, also while the workers still start.
    client = here.client(("127.0.0.1", port))
    assert client.fetch("/")[0].status == 200
    assert here.run("circus-stack", "status").returncode == 0
    stop_daemon(here, pid)
    assert not pidfile.exists()


def test_a_start_that_fails_returns_its_message_and_status(here):
    ini = str(write_ini(here.directory))
    with listening_socket() as held:
        port = held.getsockname()[1]
        done = here.run("circus-stack", "serve", ini, "--bind", f"127.0.0.1:{port}", "--daemon")
    assert done.returncode == 1
    assert str(port) in done.stderr
    done = here.run("circus-stack", "serve", ini, "--backend", "nope", "--daemon")
    assert done.returncode == 2
    assert "nope" in done.stderr
    assert_gone(here)


def test_a_control_endpoint_in_use_fails_the_start_of_a_daemon(here):
    with listening_socket() as held:
        port = held.getsockname()[1]
        ini = write_watchers(
            here.directory, f"[circus]\nendpoint = tcp://127.0.0.1:{port}\n[watcher:a]\ncmd = sleep 9\n"
        )
        done = here.run("circus-stack", "serve", str(ini), "--daemon")
    assert done.returncode == 1, done.stderr
    assert f"127.0.0.1:{port}" in done.stderr
    assert_gone(here)


def test_a_service_that_cannot_be_placed_fails_the_start_of_a_daemon(here):
    ini = write_watchers(here.directory, "[circus]\nstate_dir = /proc/nowhere\n[service:redis]\n")
    done = here.run("circus-stack", "serve", str(ini), "--daemon")
    assert done.returncode == 1, done.stderr
    assert "[service:redis] cannot write /proc/nowhere" in done.stderr
    assert_gone(here)


def test_a_pid_file_that_names_a_living_process_is_left_alone(here):
    pidfile = here.base / "serve.pid"
    pidfile.write_text(f"{os.getpid()}\n")
    for daemon in ((), ("--daemon",)):
        done = here.run("circus-stack", "serve", str(write_ini(here.directory)), "--pidfile", str(pidfile), *daemon)
        assert done.returncode == 1
        assert f"pid {os.getpid()}" in done.stderr
    assert pidfile.read_text() == f"{os.getpid()}\n"
    assert_gone(here)


def test_a_stale_pid_file_is_taken_over(here):
    pidfile = here.base / "serve.pid"
    pidfile.write_text("2147483646\n")
    stack = here.serve(str(write_ini(here.directory)), "--pidfile", str(pidfile))
    assert pidfile.read_text() == f"{stack.pid}\n"
    assert stack.stop() == 0
    assert not pidfile.exists()


def test_a_pid_file_that_cannot_be_written_is_named(here):
    done = here.run("circus-stack", "serve", str(write_ini(here.directory)), "--pidfile", "/proc/nowhere/serve.pid")
    assert done.returncode == 1
    assert "/proc/nowhere/serve.pid" in done.stderr
    assert "Traceback" not in done.stderr
    here.assert_nothing_left()


def test_circusd_as_a_daemon(here):
    control, events = free_port(), free_port()
    pidfile, port = here.base / "circusd.pid", free_port()
    text = f"""\
        [circus]
        endpoint = tcp://127.0.0.1:{control}
        pubsub_endpoint = tcp://127.0.0.1:{events}
        stats_endpoint = tcp://127.0.0.1:{free_port()}

        [watcher:web]
        cmd = chaussette --fd $(circus.sockets.web) hello.app
        use_sockets = True
        working_dir = {here.directory}

        [socket:web]
        host = 127.0.0.1
        port = {port}
        """
    ini = write_watchers(here.directory, text, "circus.ini")
    write_ini(here.directory)
    log = here.base / "circusd.log"
    done = here.run("circusd", str(ini), "--daemon", "--pidfile", str(pidfile), "--log-output", str(log))
    assert done.returncode == 0, done.stderr
    pid = int(pidfile.read_text())
    client: Client = here.client(("127.0.0.1", port))
    assert client.fetch("/")[0].status == 200
    assert "circusd" in log.read_text()
    listed = here.run("circusctl", "--endpoint", f"tcp://127.0.0.1:{control}", "list")
    assert listed.stdout.strip() == "circusd-stats,web"
    stop_daemon(here, pid, signal.SIGINT)
    assert not pidfile.exists()
