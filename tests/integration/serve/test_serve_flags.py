"""The flags of `serve`, the variables it honours, and which of them wins."""

from __future__ import annotations

import json
import os
import re

import pytest

from tests.integration.serve.projects import SERVER, write_app, write_ini, write_watchers
from tests.support.ports import free_port, listening_socket
from tests.support.stack import port_of_banner

FLAGS = (
    *("--backend", "--workers", "--bind", "--reload", "--preload", "--dry-run", "--app-name", "--server-name"),
    *("--daemon", "--pidfile", "--log-level", "--log-format"),
)


def resolved(here, *args, env=None) -> str:
    """What --dry-run prints."""
    done = here.run("circus-stack", "serve", *args, "--dry-run", env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def workers(text: str) -> int:
    return int(re.search(r"workers = (\d+)", text)[1])


def test_a_dry_run_binds_and_starts_nothing(here):
    with listening_socket() as held:
        address = f"127.0.0.1:{held.getsockname()[1]}"
        text = resolved(here, str(write_ini(here.directory)), "--bind", address)
    assert address in text
    assert "backend = wsgiref" in text
    assert here.stacks() == ()
    here.assert_nothing_left()
    assert list(here.state.rglob("*")) == []


def test_flags_win_over_variables_and_those_over_the_file(here):
    ini = str(write_ini(here.directory))
    assert workers(resolved(here, ini)) == 2
    assert workers(resolved(here, ini, env={"WEB_CONCURRENCY": "5"})) == 5
    assert workers(resolved(here, ini, "--workers", "3", env={"WEB_CONCURRENCY": "5"})) == 3
    assert workers(resolved(here, ini, "--workers", "auto")) == len(os.sched_getaffinity(0))


def test_the_port_of_the_environment_is_bound(here):
    port = free_port()
    ini = str(write_ini(here.directory))
    stack = here.serve(ini, "--workers", "1", env={"PORT": str(port)})
    assert stack.address()[1] == port
    assert stack.stop() == 0
    text = resolved(here, ini, "--bind", "127.0.0.1:1", env={"PORT": str(port)})
    assert "127.0.0.1:1\n" in text
    assert str(port) not in text


def test_an_application_without_an_ini(here):
    write_app(here.directory)
    stack = here.serve("hello:app", "--bind", "127.0.0.1:0", "--workers", "2", "--backend", "waitress")
    assert stack.serving_pids(2) == set(stack.pids())
    assert here.run("circusctl", "numprocesses", "web").stdout.strip() == "2"
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_values_for_the_file_come_from_the_command_line(here):
    server = "use = egg:circus-stack\nlisten = 127.0.0.1:%(http_port)s\nworkers = %(count)s\n"
    stack = here.serve(str(write_ini(here.directory, server=server)), "http_port=0", "count=2")
    assert len(stack.pids()) == 2
    assert port_of_banner(stack.output()) == stack.address()[1]
    assert stack.stop() == 0


def test_the_application_and_the_server_can_be_chosen_by_name(here):
    more = """
        [app:second]
        use = call:hello:make_second

        [server:second]
        use = egg:circus-stack
        listen = 127.0.0.1:0
        backend = waitress
        """
    ini = str(write_ini(here.directory, more=more))
    with (here.directory / "hello.py").open("a") as source:
        source.write(
            "\n\ndef make_second(global_conf, **settings):\n"
            "    def second(environ, start_response):\n"
            "        start_response('200 OK', [('Content-Length', '6')])\n"
            "        return [b'second']\n\n"
            "    return second\n"
        )
    stack = here.serve(ini, "--app-name", "second", "--server-name", "second")
    response, body = stack.client().fetch("/")
    assert body == b"second"
    assert "waitress" in response.headers["Server"].lower()
    assert len(stack.pids()) == 1
    assert stack.stop() == 0


def test_json_makes_every_line_json(here):
    more = "[watcher:talk]\ncmd = sh -c 'echo out; echo err >&2; exec sleep 600'\n"
    ini = str(write_ini(here.directory, more=more))
    stack = here.start("circus-stack", "serve", ini, "--log-format", "json")
    stack.wait_line('"event":"up"')
    assert stack.stop() == 0
    records = [json.loads(line) for line in stack.output().splitlines()]
    messages = {(each.get("watcher"), each.get("stream"), each["message"]) for each in records}
    assert {("talk", "stdout", "out"), ("talk", "stderr", "err")} <= messages
    [banner] = [each for each in records if each.get("event") == "banner"]
    assert banner["backend"] == "wsgiref"
    assert banner["sockets"]["web"].startswith("http://127.0.0.1:")
    assert {"spawn", "ready", "reap", "up"} <= {each.get("event") for each in records}
    assert all("time" in each for each in records)


def test_log_level_quiets_the_program_itself_and_no_worker(here):
    more = "[watcher:talk]\ncmd = sh -c 'echo spoken; exec sleep 600'\n"
    ini = str(write_ini(here.directory, more=more))
    stack = here.start("circus-stack", "serve", ini, "--log-level", "error")
    stack.wait_line("spoken")
    stack.wait_pids(2)
    assert stack.stop() == 0
    assert "ready in" not in stack.output()


def test_a_change_of_a_source_replaces_the_workers(here):
    write_ini(here.directory)
    stack = here.serve("app.ini", "--reload")
    stack.wait_line("watching")
    before = stack.pids()
    source = here.directory / "hello.py"
    source.write_text(source.read_text().replace("str(os.getpid())", "'changed'"))
    stack.wait_pids(2, other_than=before)
    stack.wait_line("hello.py changed")
    assert stack.client().fetch("/")[1] == b"changed"

    source.write_text("this is no Python\n")
    stack.wait_line("reload of web failed, the old processes serve on")
    assert stack.client().fetch("/")[1] == b"changed"
    assert stack.stop() == 0
    here.assert_nothing_left()


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_names_every_flag(here, word):
    done = here.run("circus-stack", "serve", word)
    assert done.returncode == 0
    for flag in FLAGS:
        assert flag in done.stdout


def test_watchers_without_an_application(here):
    ini = write_watchers(here.directory, "[watcher:a]\ncmd = sleep 600\nnumprocesses = 3\n")
    stack = here.serve(str(ini))
    assert len(stack.pids("a")) == 3
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_the_server_s_own_section_is_obeyed(here):
    server = SERVER + "threads = 3\n"
    text = resolved(here, str(write_ini(here.directory, server=server)))
    assert "--threads 3" in text
