"""The arbiter is executed anew under a running stack: the stack notices nothing, no line and no request is lost."""

from __future__ import annotations

import json
import os
import signal
import socket

from tests.integration.handover.programs import counting, numbers, upgrade, wait_written, written
from tests.integration.serve.projects import CIRCUS_SECTION, SERVER, script, write_ini, write_watchers
from tests.support.load import wrk
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE_S, wait_until

WATCHERS = """
[watcher:filed]
cmd = {counting} filed$(circus.wid)
numprocesses = 2
stdout_stream.class = FileStream
stdout_stream.filename = {directory}/filed.log
stdout_stream.max_bytes = 20000
stdout_stream.backup_count = 500

[watcher:shown]
cmd = {counting} shown
"""

DAEMONS = """
[watcher:a]
cmd = {sleeping}
numprocesses = 2

[watcher:b]
cmd = {sleeping}

[watcher:c]
cmd = {sleeping}
"""

SLEEPING = "import time\nwhile True: time.sleep(60)\n"


def assert_complete(found):
    """Each number once and in order, from 0 on."""
    assert found == list(range(len(found)))


def circusd(here, text):
    sleeping = script(here.directory, "sleeping", SLEEPING)
    head = CIRCUS_SECTION.format(base=here.base)
    ini = write_watchers(here.directory, head + text.format(sleeping=sleeping, directory=here.directory), "x.ini")
    return here.circusd(str(ini))


def test_no_request_fails_and_no_line_is_lost_over_two_upgrades(here):
    more = WATCHERS.format(counting=counting(here.directory), directory=here.directory)
    stack = here.serve(str(write_ini(here.directory, server=SERVER.replace("wsgiref", "gevent"), more=more)))
    before = {name: stack.pids(name) for name in ("web", "filed", "shown")}
    with wrk(stack.address()[1], keep_alive=False) as load:
        for _ in range(2):
            wait_written(stack, 50, "", "shown")
            done = here.run("circus-stack", "upgrade", timeout_s=120)
            assert done.returncode == 0, done.stdout + done.stderr + stack.output()
            assert f"pid {stack.pid}, 5 processes kept" in done.stdout
        wait_written(stack, 50, "", "shown")
    assert load.errors == []
    assert load.requests > 0
    assert {name: stack.pids(name) for name in before} == before
    assert stack.stop() == 0
    shown = numbers(stack.output(), "shown")
    assert_complete(shown)
    assert len(shown) > 200
    for name in ("filed1", "filed2"):
        found = numbers(written(here.directory, "filed.log"), name)
        assert_complete(found)
        assert len(found) > 200
    here.assert_nothing_left()


def test_what_was_changed_at_run_time_stays(here):
    stack = circusd(here, DAEMONS)
    stack.call("incr", name="a", nb=1, waiting=True)
    stack.call("set", name="b", options={"graceful_timeout": 7}, waiting=True)
    stack.call("stop", name="c", waiting=True)
    stack.call("add", name="d", cmd="sleep 1000", start=True, waiting=True)
    stack.call("kill", name="a", pid=stack.pids("a")[0], waiting=True)
    stack.wait_pids(3, watcher="a")
    before = {name: stack.pids(name) for name in ("a", "b", "c", "d")}
    told = stack.call("reloadconfig", dry_run=True)["changes"]
    status = stack.call("status", extended=True)
    jobs = [each["id"] for each in stack.call("jobs")["jobs"]]

    upgrade(stack)

    assert {name: stack.pids(name) for name in before} == before
    after = stack.call("status", extended=True)
    assert after["statuses"] == status["statuses"]
    assert after["statuses"]["c"] == "stopped"
    assert after["watchers"]["a"] == status["watchers"]["a"]
    assert after["seq"] > status["seq"]
    assert stack.call("get", name="b", keys=["graceful_timeout"])["options"] == {"graceful_timeout": 7}
    assert stack.call("numprocesses", name="a")["numprocesses"] == 3
    assert stack.call("reloadconfig", dry_run=True)["changes"] == told
    found = stack.call("jobs")["jobs"]
    assert [each["id"] for each in found][:-1] == jobs
    assert (found[-1]["command"], found[-1]["state"]) == ("upgrade", "done")
    stack.call("start", name="c", waiting=True)
    assert int(stack.call("jobs")["jobs"][-1]["id"]) > int(found[-1]["id"])
    stack.call("rm", name="d", waiting=True)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_process_that_ends_after_an_upgrade_is_replaced_and_one_that_ignores_its_end_is_killed(here):
    stubborn = script(
        here.directory, "stubborn", "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEPING
    )
    text = DAEMONS + f"\n[watcher:stubborn]\ncmd = {stubborn}\ngraceful_timeout = 60\n"
    stack = circusd(here, text)
    upgrade(stack)
    old = stack.pids("a")
    os.kill(old[0], signal.SIGKILL)
    assert old[1] in wait_until(
        lambda: (now := stack.pids("a")) and old[0] not in now and len(now) == 2 and now, "a successor"
    )
    # What it was asked for before the upgrade goes on after it.
    stack.call("kill", name="stubborn", graceful_timeout=8)
    (pid,) = stack.pids("stubborn")
    upgrade(stack)
    wait_until(lambda: pid not in stack.pids("stubborn"), "the end of the stubborn one")
    stack.call("set", name="stubborn", options={"graceful_timeout": 0.2}, waiting=True)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_subscribers_come_back_and_the_numbers_of_events_go_on(here):
    stack = circusd(here, DAEMONS)
    with stack.subscribe() as events:
        assert events.join(PATIENCE_S)
        stack.call("incr", name="a", waiting=True)
        upgrade(stack)
        seen = []

        def news():
            stack.call("decr", name="a", waiting=True)
            stack.call("incr", name="a", waiting=True)
            while (message := events.receive(0.2)) is not None:
                seen.append(message[1]["seq"])
            return len(seen) > 4

        wait_until(news, "events of the new arbiter")
        assert seen == sorted(set(seen))
        assert seen[-1] > len(seen)
    assert stack.stop() == 0


def test_sigusr2_upgrades_too_and_tcp_endpoints_and_the_pid_file_stay(here):
    sleeping = script(here.directory, "sleeping", SLEEPING)
    head = f"[circus]\nendpoint = tcp://127.0.0.1:{free_port()}\npubsub_endpoint = tcp://127.0.0.1:{free_port()}\n"
    pidfile = here.directory / "arbiter.pid"
    ini = write_watchers(here.directory, head + DAEMONS.format(sleeping=sleeping), "x.ini")
    stack = here.circusd("--pidfile", str(pidfile), str(ini))
    record = stack.found().record
    before = stack.pids("a")
    stack.send(signal.SIGUSR2)
    stack.wait_line("upgraded in place", timeout_s=3 * PATIENCE_S)
    assert stack.pids("a") == before
    now = stack.found().record
    assert (now.endpoint, now.pubsub_endpoint, now.started_at) == (
        record.endpoint,
        record.pubsub_endpoint,
        record.started_at,
    )
    assert pidfile.read_text() == f"{stack.pid}\n"
    assert stack.stop() == 0
    assert not pidfile.exists()


LISTENING = """
[socket:lanes]
host = 127.0.0.1
port = 0
so_reuseport = 1

[socket:idle]
path = {base}/idle

[watcher:laned]
cmd = {holding} $(circus.sockets.lanes)
numprocesses = 2
use_sockets = 1

[watcher:demanded]
cmd = {answering} $(circus.sockets.idle)
use_sockets = 1
on_demand = 1
"""

ANSWERING = """\
import os, socket, sys
server = socket.socket(fileno=int(sys.argv[1]))
server.setblocking(True)
while True:
    client, _ = server.accept()
    client.sendall(b"%d" % os.getpid())
    client.close()
"""


def test_lanes_stay_and_a_watcher_on_demand_still_waits(here):
    answering = script(here.directory, "answering", ANSWERING)
    head = CIRCUS_SECTION.format(base=here.base)
    text = LISTENING.format(holding=answering, answering=answering, base=here.base)
    stack = here.circusd(str(write_watchers(here.directory, head + text, "x.ini")))
    laned, address = stack.pids("laned"), stack.address("lanes")
    # In the queue of a watcher that is down: it starts with it, after the upgrade too.
    assert stack.call("status", extended=True)["watchers"]["demanded"]["armed"] is True
    upgrade(stack)
    assert stack.pids("laned") == laned
    assert stack.address("lanes") == address
    seen = set()

    def ask():
        with socket.create_connection(address, timeout=PATIENCE_S) as sock:
            seen.add(int(sock.recv(20)))
        return seen == set(laned)

    wait_until(ask, "answers of both lanes", detail=lambda: seen)
    assert stack.call("status", extended=True)["watchers"]["demanded"]["armed"] is True
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(str(here.base / "idle"))
        assert int(sock.recv(20)) in stack.pids("demanded")
    upgrade(stack)
    # Its successor in the lane gets the same socket: nothing queued there is lost.
    stack.call("kill", name="laned", waiting=True)
    stack.wait_pids(2, watcher="laned", other_than=laned)
    seen.clear()
    laned = stack.pids("laned")
    wait_until(ask, "answers of both successors", detail=lambda: seen)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_the_reply_says_what_is_about_to_be(here):
    stack = circusd(here, DAEMONS)
    done = here.run("circusctl", "--json", "upgrade", timeout_s=120)
    reply = json.loads(done.stdout)
    assert reply["status"] == "ok"
    assert reply["pids"] == sorted(stack.pids("a") + stack.pids("b") + stack.pids("c"))
    assert reply["kept"] == 4
    assert stack.stop() == 0
