"""The console that a stack runs by itself: it is there, it is found, and it goes its own way."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.web.console import PASSWORD, Visitor
from tests.support.ports import free_port
from tests.support.stack import Room, RunningStack, room
from tests.support.waiting import PATIENCE_S, wait_until

# The suite turns it off where a file says nothing; a user's environment does not.
_ON = {"CIRCUS_STACK_HTTPD": ""}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Room]:
    """A room for each test: what one stack leaves in its state directory is not there for the next."""
    with room(tmp_path) as made:
        yield made


def wait_answer(visitor: Visitor, stack: RunningStack) -> None:
    def answers() -> bool:
        try:
            return visitor.ask("GET", "/api/v1/session")[0] == 401
        except OSError:
            return False

    wait_until(answers, "the console", timeout_s=2 * PATIENCE_S, detail=stack.output)


def visitor_at(here: Room, address: tuple[str, int]) -> Visitor:
    return Visitor(here.client(address), address[1])


def write(path: Path, circus: str = "") -> str:
    path.write_text(f"[watcher:job]\ncmd = sleep 1000\n\n[circus]\n{circus}")
    return str(path)


def ends_itself(visitor: Visitor, stack: RunningStack) -> None:
    """Whoever asks the console for its own end, and would wait for it, has an answer and may come back."""
    own = "/api/v1/watchers/circushttpd"
    for path in ("reload", "restart", "processes/{pid}/kill"):
        [before] = stack.pids("circushttpd")
        status, reply, _ = visitor.ask("POST", f"{own}/{path.format(pid=before)}?wait=true", {})
        assert (status, reply["done"]) == (202, None)
        stack.wait_pids(1, other_than=[before], watcher="circushttpd")
        jobs = {each["id"]: each for each in visitor.ask("GET", "/api/v1/jobs")[1]}
        assert jobs[reply["job"]]["watchers"] == ["circushttpd"]
    status, reply, _ = visitor.ask("POST", f"{own}/stop?wait=true", {})
    assert (status, reply["done"]) == (202, None)
    wait_until(lambda: stack.call("status", name="circushttpd")["status"] == "stopped", "its end")
    stack.call("start", name="circushttpd", waiting=True)
    assert visitor.ask("GET", "/api/v1/session")[0] == 200


def test_a_stack_has_one_unless_told_otherwise(here: Room) -> None:
    ini = here.directory / "app.ini"
    app = ("wsgiref.simple_server:demo_app", "--bind", "127.0.0.1:0")
    first = here.serve(*app, env=_ON)
    own = first.address("circushttpd")
    assert f"http://127.0.0.1:{own[1]}/" in first.output()
    # A log is no place for a link that lets in.
    assert "login?link=" not in first.output()
    visitor = visitor_at(here, own)
    wait_answer(visitor, first)

    # Beside it another stack, of which the console takes the next port.
    second = here.serve(write(ini), env=_ON)
    other = second.address("circushttpd")
    assert other[1] > own[1]
    wait_answer(visitor_at(here, other), second)

    [worker] = first.pids("web")
    listening = {each.laddr.port for each in psutil.Process(worker).net_connections() if each.status == "LISTEN"}
    assert own[1] not in listening
    link = here.run("circus-stack", "console", "--stack", first.found().record.id).stdout.strip()
    assert link.startswith(f"http://127.0.0.1:{own[1]}/#/login?link=")
    assert visitor.log_in(link=link.partition("link=")[2])[0] == 200

    # A session outlives the process that gave it.
    [before] = first.pids("circushttpd")
    os.kill(before, signal.SIGKILL)
    first.wait_pids(1, other_than=[before], watcher="circushttpd")
    assert visitor.ask("GET", "/api/v1/session")[1]["user"] == "admin"
    ends_itself(visitor, first)

    # A reload replaces the workers, and not who looks on.
    console = second.pids("circushttpd")
    [job] = second.pids("job")
    assert here.run("circus-stack", "reload", "--stack", second.found().record.id).returncode == 0
    second.wait_pids(1, other_than=[job], watcher="job")
    assert second.pids("circushttpd") == console
    assert second.address("circushttpd") == other

    # It comes, moves and goes with the file.
    port = free_port()
    write(ini, f"httpd_port = {port}\n")
    assert here.run("circus-stack", "reload", "--stack", second.found().record.id).returncode == 0
    assert second.address("circushttpd") == ("127.0.0.1", port)
    wait_answer(visitor_at(here, ("127.0.0.1", port)), second)
    write(ini, "httpd = false\n")
    assert here.run("circus-stack", "reload", "--stack", second.found().record.id).returncode == 0
    assert second.call("list")["watchers"] == ["job"]
    assert second.call("listsockets")["sockets"] == []
    assert second.stop() == 0
    assert first.stop() == 0
    here.assert_nothing_left()


def test_who_starts_it_at_a_terminal_is_let_in(here: Room) -> None:
    ini = write(here.directory / "app.ini")
    terminal = here.in_terminal("circus-stack", "serve", ini, env={**_ON, "NO_COLOR": "1"})
    shown = terminal.wait_shown("ready in")
    found = re.search(r"console +http://127\.0\.0\.1:(\d+)/#/login\?link=([\w-]+)", shown)
    assert found, shown
    visitor = visitor_at(here, ("127.0.0.1", int(found[1])))

    def let_in() -> bool:
        try:
            return visitor.log_in(link=found[2])[0] == 200
        except OSError:
            return False

    wait_until(let_in, "the console", timeout_s=2 * PATIENCE_S, detail=terminal.shown)
    assert visitor.ask("GET", "/api/v1/session")[1]["role"] == "admin"
    terminal.type(b"\x03")
    assert terminal.wait_exit(timeout_s=2 * PATIENCE_S) == 0

    # Who has a password needs no link any more.
    [state] = (here.state / "circus-stack").glob("*/console")
    assert here.run("circus-stack", "passwd", "--state-dir", str(state), stdin=f"{PASSWORD}\n").returncode == 0
    again = here.in_terminal("circus-stack", "serve", ini, env={**_ON, "NO_COLOR": "1"})
    shown = again.wait_shown("ready in")
    assert re.search(r"console +http://127\.0\.0\.1:\d+/\s", shown), shown
    assert "login?link=" not in shown
    again.type(b"\x03")
    assert again.wait_exit(timeout_s=2 * PATIENCE_S) == 0
    here.assert_nothing_left()


def test_the_network_is_for_passwords(here: Room) -> None:
    ini = write(here.directory / "app.ini", f"httpd_host = 0.0.0.0\nhttpd_port = {free_port()}\n")
    refused = here.run("circus-stack", "serve", ini, "--dry-run", env=_ON)
    assert refused.returncode == 2
    assert f"{ini}:5: [circus] httpd_host: would offer the console to the network" in refused.stderr
    found = re.search(r"circus-stack passwd --state-dir (\S+)", refused.stderr)
    assert found, refused.stderr
    assert here.run("circus-stack", "passwd", "--state-dir", found[1], stdin=f"{PASSWORD}\n").returncode == 0
    let = here.run("circus-stack", "serve", ini, "--dry-run", env=_ON)
    assert let.returncode == 0, let.stderr
    assert "watcher circushttpd" in let.stdout


def test_a_circus_file_asks_for_it(here: Room) -> None:
    port = free_port()
    ini = here.directory / "circus.ini"
    endpoints = "".join(f"{name} = tcp://127.0.0.1:{free_port()}\n" for name in ("endpoint", "pubsub_endpoint"))
    ini.write_text(f"[circus]\nhttpd = true\nhttpd_port = {port}\n{endpoints}\n[watcher:job]\ncmd = sleep 1000\n")
    stack = here.circusd(str(ini))
    assert sorted(stack.call("list")["watchers"]) == ["circushttpd", "job"]
    stack.wait_line(f"web console: http://127.0.0.1:{port}/")
    wait_answer(visitor_at(here, ("127.0.0.1", port)), stack)
    assert stack.stop(signal.SIGTERM) == 0
    here.assert_nothing_left()
