"""A start that cannot be: what it says, its exit status, and that nothing was bound, started or left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.integration.serve.projects import SERVER, write_app, write_ini, write_watchers
from tests.support.ports import free_port, listening_socket
from tests.support.processes import BIN, Program

MISTAKES = """\
    [watcher:worker]
    cmd = sleep 60
    numproceses = 3
    graceful_timeout = soon

    [watcher:other]
    cmd = sleep 60
    depends_on = nobody

    [service:redis]
    maxmemry = 5
"""


def refused(here, status, *args, env=None):
    """Run `serve` with what it must refuse; what it said."""
    done = here.run("circus-stack", "serve", *args, env=env)
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    here.assert_nothing_left()
    return done.stderr


def is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_every_mistake_of_a_file_is_told_at_once(here):
    port = free_port()
    server = f"use = egg:circus-stack\nlisten = 127.0.0.1:{port}\nworkers = many\nbackend = gevnet\n"
    ini = write_ini(here.directory, server=server, more=MISTAKES)
    said = refused(here, 2, str(ini))
    lines = ini.read_text().splitlines()
    for found, legal in {
        "workers = many": "a whole number, 1",
        "backend = gevnet": "did you mean 'gevent'?",
        "numproceses = 3": "did you mean 'numprocesses'?",
        "graceful_timeout = soon": "a number of seconds",
        "depends_on = nobody": "worker",
        "maxmemry = 5": "did you mean 'maxmemory'?",
    }.items():
        number = lines.index(found) + 1
        told = [line for line in said.splitlines() if f"{ini}:{number}:" in line]
        assert len(told) == 1, said
        assert legal in told[0]
    assert "6 mistakes" in said
    assert is_free(port)


def test_a_port_in_use_names_its_holder(here):
    ini = str(write_ini(here.directory))
    with listening_socket() as held:
        port = held.getsockname()[1]
        said = refused(here, 1, ini, "--bind", f"127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in said
    assert f"pid {os.getpid()}" in said


def test_sockets_bound_before_the_one_that_fails_are_closed(here):
    path = here.base / "web.sock"
    with listening_socket() as held:
        port = held.getsockname()[1]
        refused(here, 1, str(write_ini(here.directory)), "--bind", f"unix:{path}", "--bind", f"127.0.0.1:{port}")
    assert not path.exists()


def test_a_unix_path_that_is_somebody_s_is_left_alone(here):
    path = here.base / "web.sock"
    path.write_text("precious")
    said = refused(here, 1, str(write_ini(here.directory)), "--bind", f"unix:{path}")
    assert str(path) in said
    assert path.read_text() == "precious"


def test_a_stale_unix_socket_is_taken_over(here):
    path = here.base / "web.sock"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(path))
    stack = here.serve(str(write_ini(here.directory)), "--bind", f"unix:{path}")
    assert stack.client().fetch("/")[0].status == 200
    assert stack.stop() == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("missing.ini",), ("missing.ini", "does not exist")),
        (("folder.ini",), ("folder.ini", "is a directory")),
        (("latin.ini",), ("latin.ini:2", "not UTF-8")),
        (("app.ini", "--backend", "nope"), ("--backend", "'nope'", "gevent", "waitress", "wsgiref", "meinheld")),
        (("app.ini", "--bind", "nonsense:port"), ("--bind", "HOST:PORT", "unix:PATH")),
        (("app.ini", "--app-name", "other"), ("--app-name", "'other'", "main")),
        (("app.ini", "--server-name", "other"), ("--server-name", "other", "main")),
        (("app.ini", "--workers", "0"), ("--workers", "auto")),
        (("app.ini", "word"), ("'word'", "NAME=VALUE")),
        (("hello:app", "name=value"), ("NAME=VALUE", "hello:app")),
    ],
)
def test_wrong_words_on_the_command_line(here, args, words):
    write_ini(here.directory)
    (here.directory / "folder.ini").mkdir()
    (here.directory / "latin.ini").write_bytes(b"[app:main]\nname = \xe9t\xe9\n")
    said = refused(here, 2, *args)
    for word in words:
        assert word in said


@pytest.mark.parametrize(("name", "value"), [("PORT", "abc"), ("PORT", "70000"), ("WEB_CONCURRENCY", "few")])
def test_wrong_words_in_the_environment(here, name, value):
    said = refused(here, 2, str(write_ini(here.directory)), env={name: value})
    assert name in said
    assert value in said


def test_a_second_start_of_the_same_stack_is_refused_with_the_pid(here):
    ini = write_ini(here.directory)
    stack = here.serve(str(ini))
    link = here.directory / "link.ini"
    link.symlink_to(ini)
    for name in (ini, link):
        done = here.run("circus-stack", "serve", str(name))
        assert done.returncode == 1
        assert f"pid {stack.pid}" in done.stderr
    assert len(stack.pids()) == 2
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_missing_module_is_given_up_visibly_and_the_rest_runs_on(here):
    # The pauses between ten attempts are half a minute in sum otherwise.
    more = "\n[watcher:web]\nbackoff_max = 0.2\n\n[watcher:other]\ncmd = sleep 600\n"
    ini = write_ini(here.directory, more=more)
    write_app(here.directory, "import no_such_module_of_ours\n")
    stack = here.start("circus-stack", "serve", str(ini))
    stack.wait_line("web was given up", timeout_s=60)
    assert "No module named 'no_such_module_of_ours'" in stack.output()
    assert "20 failures" in stack.output(), "ten for each of the two workers"
    stack.wait_line("but without web")
    assert stack.call("status")["statuses"] == {"web": "failed", "other": "active"}
    shown = here.run("circus-stack", "status")
    assert "failed" in shown.stdout
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_missing_service_says_how_to_install_it_unless_it_is_optional(here):
    more = "[service:memcached]\nbinary = /nowhere/memcached\n{}"
    ini = write_ini(here.directory, more=more.format(""))
    said = refused(here, 1, str(ini))
    assert "/nowhere/memcached" in said
    assert "memcached" in said

    write_ini(here.directory, more=more.format("optional = true\n"))
    stack = here.serve(str(ini))
    assert "starts without it" in stack.output()
    assert stack.call("status")["statuses"] == {"web": "active"}
    assert stack.stop() == 0


@pytest.mark.parametrize(("service", "package"), [("memcached", "apt-get install memcached"), ("solr", "solr")])
def test_a_service_that_is_not_on_path_says_how_to_install_it(here, service, package):
    ini = write_watchers(here.directory, f"[service:{service}]\n")
    said = refused(here, 1, str(ini), env={"PATH": str(here.base)})
    assert package in said


def test_a_command_that_does_not_exist_is_told_with_the_path_it_was_looked_for_on(here):
    ini = write_watchers(here.directory, "[watcher:ghost]\ncmd = no-such-program-of-ours\n")
    stack = here.start("circus-stack", "serve", str(ini))
    stack.wait_line("ghost cannot be started: cannot execute 'no-such-program-of-ours'")
    assert here.environ["PATH"] in stack.output()
    stack.wait_line("next try in")
    assert stack.stop() == 0


def test_a_runtime_directory_that_cannot_be_made_names_the_variable(here):
    said = refused(here, 1, str(write_ini(here.directory)), env={"XDG_RUNTIME_DIR": "/proc"})
    assert "XDG_RUNTIME_DIR" in said


def test_a_runtime_directory_that_is_too_long_for_a_socket_names_the_variable(here):
    long = here.base / ("x" * 100)
    long.mkdir(mode=0o700)
    said = refused(here, 1, str(write_ini(here.directory)), env={"XDG_RUNTIME_DIR": str(long)})
    assert "107" in said
    assert "XDG_RUNTIME_DIR" in said


def test_closed_standard_files_harm_nothing(here):
    """Else the first socket would be stdout."""
    ini = write_ini(here.directory)
    program = Program(
        ["sh", "-c", f"exec {BIN / 'circus-stack'} serve {ini} <&- >&- 2>&-"],
        here.directory / "closed.log",
        base_env=here.environ,
        cwd=here.directory,
    )
    stack = here.adopt(program)
    assert stack.serving_pids(2) == set(stack.wait_pids(2))
    for fd in (0, 1, 2):
        assert Path(f"/proc/{stack.pid}/fd/{fd}").readlink() == Path(os.devnull)
    assert stack.stop() == 0


def test_a_reader_that_goes_away_ends_the_output_and_not_the_stack(here):
    fifo = here.base / "out"
    os.mkfifo(fifo)
    ini = write_ini(here.directory)
    program = Program(
        ["sh", "-c", f"exec {BIN / 'circus-stack'} serve {ini} >{fifo} 2>&1"],
        here.directory / "none.log",
        base_env=here.environ,
        cwd=here.directory,
    )
    stack = here.adopt(program)
    with fifo.open("rb", buffering=0) as reader:
        assert b"circus-stack" in reader.read(100)
    before = stack.wait_pids(2)
    stack.send(signal.SIGHUP)
    stack.wait_pids(2, other_than=before)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_the_server_section_s_defaults_serve_too(here):
    server = SERVER.replace("backend = wsgiref\n", "").replace("workers = 2\n", "")
    stack = here.serve(str(write_ini(here.directory, server=server)))
    assert len(stack.pids()) == 1
    assert stack.stop() == 0
