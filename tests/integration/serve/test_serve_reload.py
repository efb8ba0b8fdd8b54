"""Reloads: not one request fails, a changed ini is applied as a whole, a bad one changes nothing."""

from __future__ import annotations

import signal

import pytest

from tests.integration.serve.projects import BACKENDS, HELLO, SERVER, write_app, write_ini
from tests.support.load import pausing_clients, wrk
from tests.support.waiting import wait_until


def reloads(stack) -> int:
    return stack.output().count("circus-stack: web reloaded")


def reload_by_signal(stack) -> None:
    before = reloads(stack)
    stack.send(signal.SIGHUP)
    wait_until(lambda: reloads(stack) > before, "the reload", detail=stack.output, timeout_s=40)


def reload_by_command(stack) -> None:
    done = stack.room.run("circus-stack", "reload", timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr


# wsgiref answers in HTTP/1.0 and closes each connection: there is none to keep.
@pytest.mark.parametrize("backend", BACKENDS)
def test_no_request_fails_while_the_stack_is_reloaded(here, backend):
    stack = here.serve(str(write_ini(here.directory)), "--backend", backend)
    seen = set(stack.pids())
    keep_alive = backend != "wsgiref"
    with wrk(stack.address()[1], keep_alive=keep_alive) as load, pausing_clients(stack.address()) as idle:
        for step in (reload_by_signal, reload_by_command, reload_by_signal, reload_by_command):
            step(stack)
            pids = stack.wait_pids(2, other_than=list(seen))
            seen |= set(pids)
    assert load.errors == []
    assert idle.errors == []
    assert load.requests > 100
    assert idle.requests > 10
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_changed_file_is_applied(here):
    ini = write_ini(here.directory, more="[env]\nMOOD = calm\n[watcher:gone]\ncmd = sleep 600\n")
    stack = here.serve(str(ini))
    before = stack.pids()
    assert stack.client().fetch("/env/MOOD")[1] == b"calm"
    log = here.directory / "fresh.log"
    more = f"""\
        [env]
        MOOD = merry

        [watcher:fresh]
        cmd = sh -c 'echo I am new; exec sleep 600'
        stdout_stream.filename = {log}
        """
    write_ini(here.directory, server=SERVER.replace("workers = 2", "workers = 3"), more=more)
    stack.send(signal.SIGHUP)
    stack.wait_line("configuration read again")
    stack.wait_pids(3, other_than=before)
    assert stack.client().fetch("/env/MOOD")[1] == b"merry"
    assert stack.call("status")["statuses"] == {"web": "active", "fresh": "active"}
    wait_until(lambda: log.exists() and "I am new" in log.read_text(), "the new watcher's file", detail=stack.output)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_new_address_is_bound_and_the_old_one_closed(here):
    first, second = here.base / "first.sock", here.base / "second.sock"
    server = SERVER.replace("127.0.0.1:0", "unix:{}")
    stack = here.serve(str(write_ini(here.directory, server=server.format(first))))
    before = stack.pids()
    write_ini(here.directory, server=server.format(second))
    reload_by_command(stack)
    stack.wait_pids(2, other_than=before)
    assert stack.address() == str(second)
    assert stack.client().fetch("/")[0].status == 200
    assert not first.exists()
    assert stack.stop() == 0
    assert not second.exists()


def test_a_file_with_mistakes_is_refused_and_the_old_workers_serve_on(here):
    ini = write_ini(here.directory)
    stack = here.serve(str(ini))
    before = stack.pids()
    write_ini(here.directory, server=SERVER.replace("workers = 2", "workers = many"), more="[watcher:x]\ncdm = true\n")
    lines = ini.read_text().splitlines()
    places = [f"{ini}:{lines.index(line) + 1}:" for line in ("workers = many", "cdm = true")]
    stack.send(signal.SIGHUP)
    for place in places:
        stack.wait_line(place)
    assert "everything serves on as before" in stack.output()

    done = here.run("circus-stack", "reload")
    assert done.returncode != 0
    for place in places:
        assert place in done.stderr
    assert stack.pids() == before
    assert stack.serving_pids(2) == set(before)
    assert stack.stop() == 0


def test_an_application_that_does_not_import_any_more_keeps_the_old_workers(here):
    stack = here.serve(str(write_ini(here.directory)))
    before = stack.pids()
    write_app(here.directory, "import no_such_module_of_ours\n")
    done = here.run("circus-stack", "reload", timeout_s=60)
    assert done.returncode != 0
    assert "the old processes serve on" in done.stderr
    assert "No module named 'no_such_module_of_ours'" in stack.output()
    assert stack.pids() == before
    assert stack.serving_pids(2) == set(before)

    # Once mended, the next reload goes through.
    write_app(here.directory, HELLO)
    reload_by_command(stack)
    stack.wait_pids(2, other_than=before)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_new_port_that_is_taken_changes_nothing(here):
    path = here.base / "mine.sock"
    stack = here.serve(str(write_ini(here.directory)))
    before, address = stack.pids(), stack.address()
    path.write_text("somebody's")
    write_ini(here.directory, server=SERVER.replace("127.0.0.1:0", f"127.0.0.1:0 unix:{path}"))
    done = here.run("circus-stack", "reload")
    assert done.returncode != 0
    assert str(path) in done.stderr
    assert stack.pids() == before
    assert stack.address() == address
    assert path.read_text() == "somebody's"
    assert stack.stop() == 0


def test_a_service_comes_changes_and_goes_with_the_file(here):
    stack = here.serve(str(write_ini(here.directory)))
    first = stack.pids()
    write_ini(here.directory, more="[service:redis]\nmaxmemory = 16mb\n")
    reload_by_command(stack)
    second = stack.wait_pids(2, other_than=first)
    assert stack.client().fetch("/env/REDIS_URL")[1].startswith(b"unix://")
    [redis] = stack.pids("redis")

    # A service is one process with data: it stops, then starts, and only if its own declaration changed.
    reload_by_command(stack)
    third = stack.wait_pids(2, other_than=second)
    assert stack.pids("redis") == [redis]
    write_ini(here.directory, more="[service:redis]\nmaxmemory = 32mb\n")
    reload_by_command(stack)
    fourth = stack.wait_pids(2, other_than=third)
    stack.wait_pids(1, other_than=[redis], watcher="redis")

    write_ini(here.directory)
    reload_by_command(stack)
    stack.wait_pids(2, other_than=fourth)
    assert stack.call("status")["statuses"] == {"web": "active"}
    assert stack.client().fetch("/env/REDIS_URL")[1] == b"-"
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_new_watcher_that_does_not_come_up_takes_the_whole_reload_back(here):
    stack = here.serve(str(write_ini(here.directory)))
    before = stack.pids()
    more = "[watcher:broken]\ncmd = false\nready = notify\nmax_failures = 2\n"
    write_ini(here.directory, server=SERVER.replace("workers = 2", "workers = 3"), more=more)
    done = here.run("circus-stack", "reload", timeout_s=60)
    assert done.returncode != 0
    assert "broken" in done.stderr
    assert stack.call("status")["statuses"] == {"web": "active"}
    assert stack.pids() == before
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_dry_run_prints_what_would_change_and_changes_nothing(here):
    stack = here.serve(str(write_ini(here.directory)))
    before = stack.pids()
    write_ini(here.directory, server=SERVER.replace("workers = 2", "workers = 3"), more="[watcher:x]\ncmd = sleep 9\n")
    done = here.run("circus-stack", "reload", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "3" in done.stdout
    assert "x" in done.stdout
    assert stack.pids() == before
    assert stack.call("status")["statuses"] == {"web": "active"}
    assert stack.stop() == 0


def test_hup_to_circusd_rolls_and_reads_nothing_again(here):
    text = f"""\
[circus]
endpoint = ipc://{here.base}/c
pubsub_endpoint = ipc://{here.base}/e
[watcher:w]
cmd = sleep 600
numprocesses = 2
"""
    ini = here.directory / "circus.ini"
    ini.write_text(text)
    stack = here.circusd(str(ini))
    before = stack.pids("w")
    ini.write_text(text.replace("numprocesses = 2", "numprocesses = nonsense"))
    stack.send(signal.SIGHUP)
    stack.wait_pids(2, other_than=before, watcher="w")
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_many_reloads_at_once_end_in_one_generation(here):
    stack = here.serve(str(write_ini(here.directory)))
    before = stack.pids()
    for _ in range(5):
        stack.send(signal.SIGHUP)
    stack.wait_pids(2, other_than=before)
    wait_until(lambda: len(stack.family()) == 2, "no more than two workers", detail=stack.output)
    assert stack.serving_pids(2) == set(stack.wait_pids(2))
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_an_end_in_the_middle_of_a_reload(here):
    stack = here.serve(str(write_ini(here.directory)))
    write_app(here.directory, "import time\ntime.sleep(600)\n")
    stack.send(signal.SIGHUP)
    wait_until(lambda: len(stack.family()) == 4, "the new generation", detail=stack.output)
    assert stack.stop(signal.SIGTERM) == 0
    here.assert_nothing_left()
