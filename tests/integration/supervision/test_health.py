"""Servers that hang while they live: each form of probe, and each scope, has them replaced, and nobody else."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from threading import Event, Thread

from tests.integration.serve.projects import script, write_ini, write_watchers
from tests.support.http_client import Client
from tests.support.ports import free_port
from tests.support.stack import Room, RunningStack
from tests.support.waiting import wait_until

# Answers on a port of its own with its pid, until a file `hang-PID` is there: then it neither accepts nor answers any
# more, though it lives, as a deadlock does. SIGTERM ends it at once.
SERVER = """\
import os
import socket
import sys
import time

port, directory = int(sys.argv[1]), sys.argv[2]
listening = socket.socket()
listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listening.bind(("127.0.0.1", port))
listening.listen(64)
told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
told.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
listening.settimeout(0.02)
hang = os.path.join(directory, "hang-%d" % os.getpid())
while True:
    if os.path.exists(hang):
        if len(sys.argv) > 3:
            listening.close()
        time.sleep(600)
    try:
        connection, _ = listening.accept()
    except TimeoutError:
        continue
    connection.settimeout(5)
    with connection:
        connection.recv(4096)
        body = b"%d" % os.getpid()
        head = b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body)
        connection.sendall(head + body)
"""
# The time that an answer has is long enough for a machine with much else to do.
FAST = "health_interval = 0.1\nhealth_timeout = 3\nhealth_threshold = 2\nready = notify"


def hang(here: Room, pid: int) -> None:
    (here.directory / f"hang-{pid}").touch()


def reason_of(stack: RunningStack, name: str) -> str:
    """What `circus-stack serve` said of the last process that was unhealthy."""
    wait_until(
        lambda: f"{name}" in stack.output() and "is unhealthy" in stack.output(), "unhealthy", detail=stack.output
    )
    line = next(each for each in reversed(stack.output().splitlines()) if "is unhealthy and is replaced: " in each)
    return line.partition("is replaced: ")[2]


def test_http_and_tcp_probes_have_each_hung_process_replaced_and_leave_the_others_alone(here: Room) -> None:
    """By $(circus.wid) each process is asked at its own port; its successor is in the same slot, at the same port."""
    ports = neighbours()
    base = str(ports)[:-1]
    text = f"""\
[watcher:web]
cmd = {script(here.directory, "server", SERVER)} {base}$(circus.wid) {here.directory}
numprocesses = 2
health = http://127.0.0.1:{base}$(circus.wid)/
health_scope = process
{FAST}
"""
    stack = here.serve(str(write_watchers(here.directory, text)))
    first, second = by_wid(stack)
    with load(ports + 2) as failures:
        hang(here, first)
        wait_until(lambda: by_wid(stack)[0] not in (None, first), "another process", detail=stack.output)
        assert reason_of(stack, "web.1") == "no answer within 3 s"
        wait_until(lambda: answers(ports + 1), "an answer of the new process", detail=stack.output)
        assert by_wid(stack)[1] == second
    assert failures == []
    stack.wait_line("web is healthy again")
    # The same by connections alone; this server closes its socket before it hangs.
    more = {"health": f"tcp:127.0.0.1:{base}$(circus.wid)", "health_timeout": 5}
    stack.call("set", name="web", options=more, waiting=True)
    assert by_wid(stack)[1] == second
    close_and_hang(here, stack, ports)
    assert stack.stop() == 0
    here.assert_nothing_left()


def close_and_hang(here: Room, stack: RunningStack, ports: int) -> None:
    closing = f"{script(here.directory, 'server', SERVER)} {str(ports)[:-1]}$(circus.wid) {here.directory} close"
    stack.call("set", name="web", options={"cmd": closing, "reload_mode": "restart"}, waiting=True)
    first, second = by_wid(stack)
    assert first is not None
    hang(here, first)
    wait_until(lambda: by_wid(stack)[0] not in (None, first), "another process", detail=stack.output)
    assert reason_of(stack, "web.1") == "the connection was refused"
    assert by_wid(stack)[1] == second


def test_an_exec_probe_has_a_worker_of_a_shared_socket_replaced_without_a_failed_request(here: Room) -> None:
    probe = f"exec:test ! -e {here.directory}/hang-$(circus.pid)"
    more = f"[watcher:web]\nhealth = {probe}\nhealth_scope = process\nhealth_interval = 0.1\nhealth_threshold = 2\n"
    stack = here.serve(str(write_ini(here.directory, more=more)))
    before = wait_ready(stack)
    _, port = stack.address()
    with load(port) as failures, stack.subscribe("watcher.web.") as events:
        assert events.join(20)
        hang(here, before[0])
        topics = []
        while not topics or topics[-1] != "reap":
            message = events.receive(20)
            assert message is not None, topics
            topic = message[0].removeprefix("watcher.web.")
            # Who is there answers as soon as the other one is on its way out.
            topics += [topic] if topic != "healthy" else []
        assert by_pid(stack, before[1])["health"]["state"] in ("healthy", "unknown")
    # The successor served before the other one was asked to go.
    assert topics == ["unhealthy", "replace", "spawn", "ready", "kill", "reap"], topics
    assert failures == []
    after = wait_ready(stack, other_than=before[:1])
    assert before[1] in after
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_probe_of_the_whole_watcher_replaces_all_of_it_successors_first(here: Room) -> None:
    """Through the shared socket: an answer there shows that somebody serves."""
    here.directory.joinpath("sick.py").write_text(SICK)
    port = free_port()
    server = f"use = egg:circus-stack\nlisten = 127.0.0.1:{port}\nbackend = wsgiref\nworkers = 2\napp = sick:app\n"
    more = f"[watcher:web]\nhealth = http://127.0.0.1:{port}/health\nhealth_interval = 0.1\nhealth_threshold = 2\n"
    stack = here.serve(str(write_ini(here.directory, server=server, more=more)))
    before = wait_ready(stack)
    with load(port) as failures:
        for pid in before:
            (here.directory / f"sick-{pid}").touch()
        after = wait_ready(stack, other_than=before)
        wait_until(lambda: health(stack)["state"] == "healthy", "health", detail=stack.output)
    assert failures == []
    assert not set(before) & set(after)
    assert health(stack)["error"] == "answered 503"
    assert "web is unhealthy and is replaced: answered 503" in stack.output()
    stack.wait_line("web is healthy again")
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_singleton_that_stops_answering_is_stopped_then_started_and_its_dependents_hear_of_it(here: Room) -> None:
    port = free_port()
    text = f"""\
[watcher:web]
cmd = sleep 600
depends_on = store
[watcher:store]
cmd = {script(here.directory, "server", SERVER)} {port} {here.directory}
singleton = true
health = http://127.0.0.1:{port}/
{FAST}
"""
    stack = here.serve(str(write_watchers(here.directory, text)))
    [pid] = stack.pids("store")
    with stack.subscribe("watcher.web.") as events:
        assert events.join(20)
        hang(here, pid)
        told = [events.receive(20) for _ in range(2)]
    assert told[0] is not None
    assert told[0][0] == "watcher.web.degraded"
    assert told[0][1]["reason"] == "store is unhealthy (no answer within 3 s)"
    wait_until(lambda: stack.pids("store") not in ([], [pid]), "another store", detail=stack.output)
    stack.wait_line("web is whole again: store serves again")
    assert stack.stop() == 0


def test_what_never_answers_counts_as_failing_and_is_given_up(here: Room) -> None:
    """A server that says READY=1 and then serves nobody is no better than one that crashes."""
    text = f"""\
[watcher:mute]
cmd = {script(here.directory, "mute", MUTE)}
ready = notify
health = exec:false
health_interval = 0.05
health_threshold = 1
max_failures = 3
backoff_initial = 0.05
"""
    stack = here.serve(str(write_watchers(here.directory, text)))
    wait_until(lambda: stack.call("status")["statuses"]["mute"] == "failed", "the end", detail=stack.output)
    detail = stack.call("status", name="mute")["detail"]
    assert detail.startswith("given up after 3 failures in 60 s; the last: mute.1 (pid ")
    assert detail.endswith("is unhealthy: 'false' exited with status 1")
    assert stack.stop() == 0


def test_a_probe_that_hangs_is_killed_with_all_that_it_started_and_outlives_no_stop(here: Room) -> None:
    code = f"import os\nopen({str(here.directory / 'began')!r}, 'w').close()\nos.system('sleep 600')\n"
    probe = script(here.directory, "probe", code)
    text = f"""\
[watcher:w]
cmd = sleep 600
health = exec:{probe}
health_interval = 0.1
health_timeout = 0.5
health_threshold = 100
"""
    stack = here.serve(str(write_watchers(here.directory, text)))

    def error() -> str:
        return str(stack.call("status", extended=True)["watchers"]["w"]["health"]["error"])

    wait_until(lambda: error() == "no answer within 0.5 s", "a probe that took too long", detail=stack.output)
    # Another one hangs now, or will at once; the stop doesn't wait for its time.
    stack.call("set", name="w", options={"health_timeout": 600}, waiting=True)
    (here.directory / "began").unlink()
    wait_until((here.directory / "began").exists, "another probe", detail=stack.output)
    stack.call("stop", name="w", waiting=True)
    wait_until(lambda: stack.family() == [], "nothing to be left", detail=lambda: stack.family())
    assert stack.stop() == 0
    here.assert_nothing_left()


# -- what the tests ask of a stack ----------------------------------------------------------------------------------

SICK = '''\
"""Answers 200, also while it is sick; /health says then that it is."""
import os

HERE = os.path.dirname(os.path.abspath(__file__))


def app(environ, start_response):
    is_sick = os.path.exists(os.path.join(HERE, "sick-%d" % os.getpid()))
    is_asked = environ["PATH_INFO"] == "/health"
    start_response("503 Sick" if is_asked and is_sick else "200 OK", [("Content-Length", "0")])
    return []
'''
MUTE = """\
import os
import socket
import time

socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(600)
"""


def neighbours() -> int:
    """A number that ends with 0 and is followed by two free ports."""

    def found() -> int:
        ten = free_port() // 10 * 10
        return ten if is_free(ten + 1) and is_free(ten + 2) else 0

    return wait_until(found, "two free ports side by side")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def by_wid(stack: RunningStack) -> list[int | None]:
    """The pids of the ready processes in the slots 1 and 2."""
    processes = stack.call("status", extended=True)["watchers"]["web"]["processes"]
    found = {each["wid"]: each["pid"] for each in processes if each["state"] == "ready"}
    return [found.get(1), found.get(2)]


def wait_ready(stack: RunningStack, *, other_than: Sequence[int] = ()) -> list[int]:
    """The pids of both processes of `web`, once they serve and no other one is left, none of them of `other_than`."""

    def there() -> list[int] | None:
        processes = stack.call("status", extended=True)["watchers"]["web"]["processes"]
        pids = sorted(each["pid"] for each in processes if each["state"] == "ready")
        return pids if len(pids) == len(processes) == 2 and not set(pids) & set(other_than) else None

    return wait_until(there, "two processes", detail=stack.output)


def by_pid(stack: RunningStack, pid: int) -> dict[str, dict[str, object]]:
    processes = stack.call("status", extended=True)["watchers"]["web"]["processes"]
    return next(each for each in processes if each["pid"] == pid)


def health(stack: RunningStack) -> dict[str, object]:
    return dict(stack.call("status", extended=True)["watchers"]["web"]["health"])


def answers(port: int) -> bool:
    with contextlib.closing(Client(("127.0.0.1", port))) as client:
        try:
            return client.fetch("/")[0].status == 200
        except OSError:
            return False


@contextlib.contextmanager
def load(port: int) -> Iterator[list[str]]:
    """Requests one after the other for the length of a block, one connection each; the failed ones."""
    failures: list[str] = []
    is_over, has_begun = Event(), Event()

    def ask() -> None:
        # Many a second, and the processors are for who is to be replaced.
        while not is_over.wait(0.005):
            with contextlib.closing(Client(("127.0.0.1", port))) as client:
                try:
                    status = client.fetch("/")[0].status
                    if status != 200:
                        failures.append(str(status))
                except OSError as error:
                    failures.append(repr(error))
            has_begun.set()

    thread = Thread(target=ask)
    thread.start()
    try:
        assert has_begun.wait(20)
        yield failures
    finally:
        is_over.set()
        thread.join(20)
