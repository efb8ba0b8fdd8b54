"""Addresses, workers and backend of the watcher `web`: flags, then PORT and WEB_CONCURRENCY, then the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from circus_stack.config.load import Machine, load_app
from circus_stack.config.overrides import Overrides
from circus_stack.config.schema import StackConfig
from tests.golden.cases import Everything
from tests.unit.config.stacks import APP, MACHINE, mistakes, paste


class Bare(Everything):
    """A machine with none of the optional servers."""

    def has_module(self, name: str) -> bool:
        return name not in ("waitress", "gevent", "meinheld", "eventlet", "bjoern")


def server(folder: Path, lines: str, use: str = "egg:circus-stack", **more: Any) -> StackConfig:
    return paste(folder, f"{APP}[server:main]\nuse = {use}\n{lines}\n", **more)


def app(spec: str = "mod:app", **more: Any) -> StackConfig:
    more.setdefault("environ", {})
    return load_app(spec, machine=MACHINE, **more)


def addresses(stack: StackConfig) -> list[str]:
    return [each.path or f"{each.host}:{each.port}" for each in stack.sockets]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", ["127.0.0.1:8080"]),
        ("port = 5000", ["127.0.0.1:5000"]),
        ("host = 10.0.0.1", ["10.0.0.1:8080"]),
        ("host = a, b:81 ::1\nport = 80", ["a:80", "b:81", "::1:80"]),
        ("listen = 5000", ["127.0.0.1:5000"]),
        ("listen = :5000 *:5001", ["127.0.0.1:5000", "0.0.0.0:5001"]),
        ("listen = localhost:0, [::1]:6000 [::1]", ["localhost:0", "::1:6000", "::1:8080"]),
        ("listen = unix:/run/a.sock unix:///run/b.sock /run/c.sock", ["/run/a.sock", "/run/b.sock", "/run/c.sock"]),
        ("unix_socket = /run/a.sock", ["/run/a.sock"]),
        ("unix_socket = /run/a.sock\nport = 99", ["/run/a.sock", "127.0.0.1:99"]),
    ],
)
def test_addresses_of_our_own_section(tmp_path: Path, lines: str, expected: list[str]) -> None:
    stack = server(tmp_path, lines)
    assert addresses(stack) == expected
    assert [f"--fd $(circus.sockets.{each.name})" in stack.watchers[0].cmd for each in stack.sockets]


@pytest.mark.parametrize("text", ["a:b:c", "host:99999", "fd://3", "x y:z", "[::1", "http://x", "unix:"])
def test_what_is_no_address(tmp_path: Path, text: str) -> None:
    found = mistakes(server, tmp_path, f"listen = {text}")
    assert {each.option for each in found} == {"listen"}
    assert found[0].line == 5


def test_listen_excludes_host_and_port_in_our_own_section(tmp_path: Path) -> None:
    found = mistakes(server, tmp_path, "listen = :80\nhost = x\nport = 1")
    assert [each.option for each in found] == ["host", "port"]
    foreign = server(tmp_path, "listen = 127.0.0.1:80\nport = 1", "egg:waitress")
    assert [each.option for each in foreign.warnings] == ["port"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("listen = 10.0.0.1:80", ["10.0.0.1:5000"]),
        ("listen = *:80 [::1]:80 :81", ["0.0.0.0:5000", "::1:5000", "127.0.0.1:81"]),
        ("listen = /run/a.sock :81", ["/run/a.sock", "127.0.0.1:5000"]),
        ("", ["0.0.0.0:5000"]),
    ],
)
def test_port_of_the_environment_wins_over_the_file(tmp_path: Path, lines: str, expected: list[str]) -> None:
    assert addresses(server(tmp_path, lines, environ={"PORT": "5000"})) == expected


def test_port_of_the_environment_means_nothing_to_unix_sockets(tmp_path: Path) -> None:
    stack = server(tmp_path, "listen = /run/a.sock", environ={"PORT": "5000"})
    assert addresses(stack) == ["/run/a.sock"]
    assert [each.option for each in stack.warnings] == ["PORT"]


def test_flags_win_over_the_environment(tmp_path: Path) -> None:
    overrides = Overrides(bind=("7000", "unix:/run/x"), workers=3, backend="gevent", threads=2)
    stack = server(
        tmp_path, "listen = :80\nworkers = 9", environ={"PORT": "1", "WEB_CONCURRENCY": "5"}, overrides=overrides
    )
    assert addresses(stack) == ["127.0.0.1:7000", "/run/x"]
    assert stack.web is not None
    assert (stack.web.workers, stack.web.backend, stack.web.threads) == (3, "gevent", 2)
    assert stack.watchers[0].numprocesses == 3


def test_flags_win_over_the_watcher_section(tmp_path: Path) -> None:
    lines = "workers = 2\n[watcher:web]\nnumprocesses = 4"
    assert server(tmp_path, lines).watchers[0].numprocesses == 4
    assert server(tmp_path, lines, environ={"WEB_CONCURRENCY": "5"}).watchers[0].numprocesses == 5
    assert server(tmp_path, lines, overrides=Overrides(workers="auto")).watchers[0].numprocesses == 4


def test_auto_is_one_worker_a_processor(tmp_path: Path) -> None:
    machine = Machine(cpu_count=lambda: 7, installed=Everything())
    assert server(tmp_path, "workers = auto", machine=machine).watchers[0].numprocesses == 7


@pytest.mark.parametrize(
    ("environ", "overrides", "option"),
    [
        ({"PORT": "http"}, Overrides(), "PORT"),
        ({"WEB_CONCURRENCY": "0"}, Overrides(), "WEB_CONCURRENCY"),
        ({}, Overrides(bind=("a:b:c",)), "--bind"),
        ({}, Overrides(workers="some"), "--workers"),
        ({}, Overrides(backend="gevnt"), "--backend"),
        ({}, Overrides(log_level="loud"), "--log-level"),
    ],
)
def test_a_bad_flag_or_variable_is_named(environ: dict[str, str], overrides: Overrides, option: str) -> None:
    found = mistakes(app, environ=environ, overrides=overrides)
    assert [(each.option, each.file) for each in found] == [(option, "")]


def test_preload_reaches_the_watcher_and_its_hooks_the_command(tmp_path: Path) -> None:
    lines = "preload = yes\nwarmup = /, /about?x=1\nbefore_fork = hooks.close\nafter_fork = hooks.open"
    found = server(tmp_path, lines).watchers[0]
    assert found.preload
    assert found.cmd.count("--warmup") == 2
    assert "--before-fork hooks.close --after-fork hooks.open" in found.cmd
    bare = server(tmp_path, lines, overrides=Overrides(preload=False))
    assert not bare.watchers[0].preload
    assert "fork" not in bare.watchers[0].cmd
    assert [each.option for each in bare.warnings] == ["before_fork", "after_fork"]
    assert server(tmp_path, "", overrides=Overrides(preload=True)).watchers[0].preload


@pytest.mark.parametrize("line", ["warmup = about", "preload = perhaps"])
def test_a_bad_value_around_preload_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    found = mistakes(server, tmp_path, line)
    assert [(each.option, each.line) for each in found] == [(line.split()[0], 5)]


@pytest.mark.parametrize(
    ("use", "lines", "everything", "bare"),
    [
        ("egg:circus-stack", "", "waitress", "wsgiref"),
        ("egg:circus-stack", "backend = gevent", "gevent", "gevent"),
        ("egg:waitress", "", "waitress", "wsgiref"),
        ("egg:gunicorn", "", "waitress", "wsgiref"),
        ("egg:gunicorn", "worker_class = gunicorn.workers.ggevent.GeventWorker", "gevent", "gevent"),
        ("egg:gunicorn", "worker_class = eventlet", "eventlet", "eventlet"),
        ("egg:gunicorn", "worker_class = egg:meinheld#gunicorn_worker", "meinheld", "meinheld"),
        ("egg:Paste#http", "", "waitress", "wsgiref"),
        ("egg:PasteScript#cherrypy", "", "waitress", "wsgiref"),
        ("egg:pyramid#wsgiref", "", "wsgiref", "wsgiref"),
        ("egg:chaussette", "backend = geventwebsocket", "gevent", "gevent"),
        ("egg:meinheld", "", "meinheld", "meinheld"),
        ("egg:gevent", "", "gevent", "gevent"),
        ("egg:bjoern", "", "bjoern", "wsgiref"),
        ("egg:uwsgi", "processes = 3", "waitress", "wsgiref"),
        ("egg:Some-Thing", "", "waitress", "wsgiref"),
    ],
)
def test_backend_of_each_server(tmp_path: Path, use: str, lines: str, everything: str, bare: str) -> None:
    stack = server(tmp_path, lines, use)
    poor = server(tmp_path, lines, use, machine=Machine(cpu_count=lambda: 4, installed=Bare()))
    assert stack.web is not None and poor.web is not None
    assert (stack.web.backend, poor.web.backend) == (everything, bare)


def test_wsgiref_in_the_place_of_waitress_gets_its_threads(tmp_path: Path) -> None:
    bare = Machine(cpu_count=lambda: 4, installed=Bare())
    assert "--backend wsgiref --threads 4 " in server(tmp_path, "", machine=bare).watchers[0].cmd
    assert "--threads" not in server(tmp_path, "backend = wsgiref", machine=bare).watchers[0].cmd


def test_an_asgi_worker_is_refused(tmp_path: Path) -> None:
    found = mistakes(server, tmp_path, "worker_class = uvicorn.workers.UvicornWorker", "egg:gunicorn")
    assert "ASGI" in found[0].message


def test_each_option_that_is_not_honoured_is_warned_of_with_its_line(tmp_path: Path) -> None:
    stack = server(tmp_path, "timeout = 30\nbind = :80\nkeyfile = /x\nreload = no\nfoo = 1", "egg:gunicorn#main")
    assert [(each.option, each.line) for each in stack.warnings] == [("timeout", 5), ("keyfile", 7), ("foo", 9)]


def test_gunicorns_timeout_is_how_long_a_worker_may_hang(tmp_path: Path) -> None:
    for lines, warned in (
        ("timeout = 45", ["timeout"]),
        ("timeout = 45\nworker_class = gevent", []),
        ("timeout = 0", []),
    ):
        stack = server(tmp_path, lines, "egg:gunicorn")
        assert stack.watchers[0].hang_timeout == (45 if "45" in lines else 0)
        assert [each.option for each in stack.warnings] == warned
        assert all("hang_timeout" in each.message and "gthread" in each.message for each in stack.warnings)


@pytest.mark.parametrize(
    ("worker_class", "backend", "instead_of"),
    [("sync", "wsgiref", "waitress"), ("gevent", "gevent", ""), ("eventlet", "gevent", "eventlet")],
)
def test_gunicorns_certificates_choose_a_backend_that_serves_https(
    tmp_path: Path, worker_class: str, backend: str, instead_of: str
) -> None:
    lines = f"worker_class = {worker_class}\ncertfile = tls/c.pem\nkeyfile = k.pem\nca_certs = ca.pem\ncert_reqs = 2"
    stack = server(tmp_path, lines, "egg:gunicorn")
    cmd = stack.watchers[0].cmd
    assert f"--backend {backend} " in cmd
    assert f"--certfile {tmp_path}/tls/c.pem --keyfile {tmp_path}/k.pem --ca-certs {tmp_path}/ca.pem" in cmd
    assert "--cert-reqs required" in cmd
    told = [(each.option, each.line) for each in stack.warnings]
    assert told == ([("certfile", 6)] if instead_of else [])
    assert all(f"in the place of {instead_of}, which serves no https" in each.message for each in stack.warnings)


def test_an_application_without_a_file() -> None:
    stack = app("shop.wsgi:make(1)", overrides=Overrides(workers=2))
    assert (stack.source, stack.circus.name) == ("shop.wsgi:make(1)", "shop.wsgi:make(1)")
    assert stack.watchers[0].cmd.endswith("'shop.wsgi:make(1)'")
    assert addresses(stack) == ["127.0.0.1:8080"]


@pytest.mark.parametrize(
    "spec", ["", "shop", "shop:", ":app", "a b:c", "./shop.py", "shop.ini", "mod:app)", "1mod:app"]
)
def test_what_is_no_application(spec: str) -> None:
    assert [each.found for each in mistakes(app, spec)] == [spec]


def test_the_worker_gives_up_a_little_before_it_is_killed(tmp_path: Path) -> None:
    for graceful, given in (("30", "29"), ("5", "4.5"), ("0", "0")):
        stack = server(tmp_path, f"graceful_timeout = {graceful}")
        assert stack.watchers[0].graceful_timeout == float(graceful)
        assert f"--graceful-timeout {given} " in stack.watchers[0].cmd


def test_user_and_group_are_those_of_the_workers(tmp_path: Path) -> None:
    web = server(tmp_path, "user = www-data\ngroup = adm\nready_timeout = 5").watchers[0]
    assert (web.uid, web.gid, web.ready_timeout) == ("www-data", "adm", 5.0)


def test_what_a_variable_says_reaches_the_workers(tmp_path: Path) -> None:
    web = paste(tmp_path, APP, variables={"greeting": "it's me"}).watchers[0]
    assert """--paste-var 'greeting=it'"'"'s me'""" in web.cmd


def test_the_mode_of_a_unix_socket_is_kept(tmp_path: Path) -> None:
    assert server(tmp_path, "unix_socket = /run/a\nunix_socket_perms = 660").sockets[0].mode == 0o660


def test_files_to_watch_are_relative_to_the_ini(tmp_path: Path) -> None:
    pserve = "[pserve]\nwatch_files =\n  a.yaml\n  pkg:b.txt\n  /etc/c d\n"
    stack = paste(tmp_path, f"{APP}{pserve}[server:main]\nuse = egg:circus-stack\nwatch_files = e\n")
    assert stack.web is not None
    assert stack.web.watch_files == (f"{tmp_path}/a.yaml", "/etc/c d", f"{tmp_path}/e")
    assert [(each.option, each.found) for each in stack.warnings] == [("watch_files", "pkg:b.txt")]


def test_a_command_of_ones_own_is_not_expected_to_notify(tmp_path: Path) -> None:
    head = "[watcher:web]\nuse_sockets = yes\ncmd = "
    assert str(server(tmp_path, f"{head}gunicorn x:y").watchers[0].ready) == "none"
    assert str(server(tmp_path, f"{head}gunicorn x:y\nready = delay:1").watchers[0].ready) == "delay:1"
    assert (
        str(server(tmp_path, f"{head}py/bin/chaussette --fd $(circus.sockets.web) x:y").watchers[0].ready) == "notify"
    )


def test_user_and_group_keep_the_line_of_the_server_section(tmp_path: Path) -> None:
    [web] = [each for each in server(tmp_path, "user = a\ngroup = b").watchers if each.name == "web"]
    lines = (tmp_path / web.where["uid"].file).read_text().splitlines()
    assert lines[web.where["uid"].line - 1] == "user = a"
    assert lines[web.where["gid"].line - 1] == "group = b"


def test_tls_reaches_the_workers_with_paths_beside_the_ini(tmp_path: Path) -> None:
    lines = "backend = gevent\ncertfile = tls/cert.pem\nkeyfile = /etc/key.pem\nca_certs = ca.pem\n"
    lines += "cert_reqs = optional\nciphers = HIGH"
    cmd = server(tmp_path, lines).watchers[0].cmd
    assert f"--certfile {tmp_path}/tls/cert.pem --keyfile /etc/key.pem --ca-certs {tmp_path}/ca.pem" in cmd
    assert "--cert-reqs optional --ciphers HIGH" in cmd


def test_layers_reach_the_workers(tmp_path: Path) -> None:
    lines = "backend = gevent\ntrusted_proxies = 10.0.0.0/8 unix\naccess_log = -\naccess_log_format = {pid} {status}\n"
    cmd = server(tmp_path, lines + "request_timeout = 30\nhealth_path = /-/health").watchers[0].cmd
    assert "--trusted-proxies 10.0.0.0/8,unix --access-log - --access-log-format '{pid} {status}'" in cmd
    assert "--request-timeout 30.0 --health-path /-/health" in cmd


@pytest.mark.parametrize("backend", ["wsgiref", "waitress", "meinheld", "bjoern"])
def test_a_time_limit_on_a_backend_without_it_is_refused_with_its_line(tmp_path: Path, backend: str) -> None:
    found = mistakes(server, tmp_path, f"backend = {backend}\nrequest_timeout = 3")
    assert [(each.option, each.line) for each in found] == [("request_timeout", 6)]
    assert f"{backend} cannot interrupt a request" in found[0].message


@pytest.mark.parametrize("backend", ["waitress", "meinheld", "eventlet", "bjoern"])
def test_tls_on_a_backend_without_it_is_refused_with_its_line(tmp_path: Path, backend: str) -> None:
    found = mistakes(server, tmp_path, f"backend = {backend}\ncertfile = cert.pem")
    assert [(each.option, each.line) for each in found] == [("certfile", 6)]
    assert f"{backend} serves no https" in found[0].message


@pytest.mark.parametrize(
    ("lines", "option", "message"),
    [
        ("keyfile = key.pem", "keyfile", "without certfile there is no TLS"),
        ("cert_reqs = required", "cert_reqs", "without certfile there is no TLS"),
        ("certfile = c.pem\ncert_reqs = required", "cert_reqs", "needs ca_certs"),
    ],
)
def test_tls_options_that_contradict_each_other_are_refused(
    tmp_path: Path, lines: str, option: str, message: str
) -> None:
    found = mistakes(server, tmp_path, f"backend = gevent\n{lines}")
    assert [each.option for each in found] == [option]
    assert message in found[0].message
