"""`serve` on each backend: every worker answers, the backend shows, Ctrl-C leaves nothing behind."""

from __future__ import annotations

import signal

import pytest

from tests.integration.serve.projects import BACKENDS, SERVER, write_ini


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_workers_of_each_backend_answer(here, backend):
    stack = here.serve(str(write_ini(here.directory)), "--backend", backend)
    pids = stack.pids()
    assert len(pids) == 2
    assert stack.serving_pids(2) == set(pids)
    response, _ = stack.client().fetch("/")
    assert backend in response.headers["Server"].lower()

    table = here.run("circusctl", "stats")
    assert table.returncode == 0, table.stderr
    assert table.stdout.count(backend) >= 2
    infos = here.ctl_json("stats", "web")["info"]
    assert {info["backend"] for info in infos.values()} == {backend}

    assert stack.stop(signal.SIGINT) == 0
    here.assert_nothing_left()


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_backend_serves_on_a_unix_socket(here, backend):
    path = here.base / "web.sock"
    stack = here.serve(str(write_ini(here.directory)), "--backend", backend, "--bind", f"unix:{path}")
    assert f"unix:{path}" in stack.output()
    assert stack.address() == str(path)
    assert stack.serving_pids(2) == set(stack.pids())

    assert stack.stop(signal.SIGTERM) == 0
    assert not path.exists()
    here.assert_nothing_left()


def test_several_sockets_are_served_at_once(here):
    path = here.base / "web.sock"
    bind = ("--bind", "127.0.0.1:0", "--bind", f"unix:{path}", "--bind", "[::1]:0")
    stack = here.serve(str(write_ini(here.directory)), *bind)
    sockets = stack.call("listsockets")["sockets"]
    assert len(sockets) == 3
    pids = set(stack.pids())
    for each in sockets:
        _, body = stack.client(each["name"]).fetch("/")
        assert int(body) in pids
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_killed_worker_is_replaced_and_the_stack_goes_on(here):
    stack = here.serve(str(write_ini(here.directory, server=SERVER)))
    first, second = stack.pids()
    here.run("circusctl", "signal", "web", str(first), "KILL")
    after = stack.wait_pids(2, other_than=[first])
    assert second in after
    assert "was killed by SIGKILL" in stack.output()
    assert stack.stop() == 0
