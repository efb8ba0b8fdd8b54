"""Applications out of a PasteDeploy ini, and `[server:main] use = egg:circus-stack` under the real pserve."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess

import pytest

from tests.support.certificates import make_authority, sign, trusting
from tests.support.processes import BIN, PYTHON
from tests.support.waiting import PATIENCE_S, wait_until

APP_MODULE = """
import json
import socket
import threading

def make(global_conf, **settings):
    def app(environ, start_response):
        body = json.dumps({**settings, "socket": socket.socket.__module__, "port": environ["SERVER_PORT"]})
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body.encode()]
    return app

def fail(global_conf):
    raise RuntimeError("no database")
"""

APP_SECTIONS = """
[app:main]
use = call:paste_app:make
greeting = %(word)s
secret = %(ENV_SECRET)s
where = %(here)s

[app:other]
use = call:paste_app:make
name = other

[app:failing]
use = call:paste_app:fail
"""

LOGGING_SECTIONS = """
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = plain
[logger_root]
level = INFO
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = FROM-INI %(levelname)s %(message)s
"""

SERVER_SECTION = """
[server:main]
use = egg:circus-stack
listen = 127.0.0.1:0 unix:{path}
backend = {backend}
threads = 2
workers = 4
"""


HTTPS_SECTION = """
[server:main]
use = egg:circus-stack
listen = 127.0.0.1:0
backend = {backend}
certfile = server.pem
keyfile = {site}/server.key
trusted_proxies = 127.0.0.1
access_log = access.log
access_log_format = {{remote_addr}} {{target}} {{status}}
health_path = /-/health
"""


@pytest.fixture
def site(tmp_path):
    """A directory with the application's module."""
    (tmp_path / "paste_app.py").write_text(APP_MODULE)
    return tmp_path


def ini(site, *sections):
    path = site / "app.ini"
    path.write_text("".join(sections))
    return path


def start(supervisor, listener, site, app, *options, **env):
    argv = [PYTHON, "-m", "chaussette", f"--fd={listener.fileno()}", *options, app]
    worker = supervisor.start_argv(argv, fds=[listener.fileno()], cwd=site, **env)
    return worker, supervisor.client(listener.getsockname())


def test_the_main_application_with_variables(supervisor, listener, site):
    ini(site, APP_SECTIONS)
    worker, client = start(
        supervisor, listener, site, "config:app.ini", "--paste-var", "word=given", SECRET="100%s sure"
    )
    supervisor.wait_ready(worker)
    found = client.fetch_json("/")
    assert (found["greeting"], found["secret"], found["where"]) == ("given", "100%s sure", str(site))


@pytest.mark.parametrize(
    ("app", "options"),
    [("config:app.ini#other", ()), ("paste:app.ini", ("--app-name", "other")), ("paste:app.ini#other?a=b", ())],
)
def test_another_section(supervisor, listener, site, app, options):
    ini(site, APP_SECTIONS)
    worker, client = start(supervisor, listener, site, app, *options)
    supervisor.wait_ready(worker)
    assert client.fetch_json("/")["name"] == "other"


def test_variables_in_the_name(supervisor, listener, site):
    ini(site, APP_SECTIONS)
    worker, client = start(supervisor, listener, site, "paste:app.ini?word=asked", SECRET="s")
    supervisor.wait_ready(worker)
    assert client.fetch_json("/")["greeting"] == "asked"


def test_the_logging_sections_are_applied(supervisor, listener, site):
    ini(site, APP_SECTIONS, LOGGING_SECTIONS)
    worker, _ = start(supervisor, listener, site, "config:app.ini#other")
    supervisor.wait_ready(worker)
    assert "FROM-INI INFO Using wsgiref as a backend" in worker.output()


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("config:app.ini#nothing", "No section 'nothing'"),
        ("config:app.ini?word=x", "app.ini: Bad value substitution: option 'secret'"),
        ("config:app.ini#failing", "app.ini#failing: RuntimeError: no database"),
    ],
)
def test_what_is_wrong_with_an_ini(supervisor, listener, site, app, said):
    ini(site, APP_SECTIONS)
    worker, _ = start(supervisor, listener, site, app)
    assert worker.wait_exit() == 1
    assert said in worker.output().splitlines()[-1] + worker.output()
    assert ("in fail" in worker.output()) == ("failing" in app)


@pytest.mark.parametrize("backend", ["wsgiref", "waitress", "gevent", "fastgevent", "meinheld", "eventlet"])
def test_pserve_runs_the_server_section(supervisor, site, backend):
    path = supervisor.run_dir / "app.sock"
    file = ini(site, APP_SECTIONS, SERVER_SECTION.format(path=path, backend=backend), LOGGING_SECTIONS)
    server = supervisor.start_argv([str(BIN / "pserve"), str(file), "-n", "other"], cwd=site)
    supervisor.wait_ready(server)
    port = server.wait_output("Serving on http://127.0.0.1:").split("127.0.0.1:")[1].split(",")[0]
    found = supervisor.client(("127.0.0.1", int(port))).fetch_json("/")
    assert (found["name"], found["port"]) == ("other", port)
    assert found["socket"].startswith("gevent") == (backend in ("gevent", "fastgevent"))
    assert supervisor.client(str(path)).fetch_json("/")["port"] == "80"
    assert "not honoured in a single process: workers = 4; `circus-stack serve` runs them" in server.output()
    server.signal(signal.SIGTERM)
    assert server.wait_exit() == 0
    assert not path.exists()


@pytest.mark.parametrize("backend", ["wsgiref", "gevent", "fastgevent"])
def test_pserve_serves_https_behind_the_layers_that_its_section_asks_for(supervisor, site, backend):
    make_authority(site)
    sign(site, "server", "/CN=pserve")
    file = ini(site, APP_SECTIONS, HTTPS_SECTION.format(site=site, backend=backend), LOGGING_SECTIONS)
    if backend != "wsgiref":
        file.write_text(file.read_text().replace("health_path", "request_timeout = 20\nhealth_path"))
    server = supervisor.start_argv([str(BIN / "pserve"), str(file), "-n", "other"], cwd=site)
    supervisor.wait_ready(server)
    port = int(server.wait_output("Serving on http").split("127.0.0.1:")[1].split()[0])
    context = trusting(site / "ca.pem")
    headers = {"X-Forwarded-For": "192.0.2.7"}

    def answer(path: str) -> bytes:
        client = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE_S, context=context)
        with contextlib.closing(client):
            client.request("GET", path, headers=headers)
            return client.getresponse().read()

    assert json.loads(answer("/x"))["name"] == "other"
    assert answer("/-/health") == b"ok\n"
    line = wait_until((site / "access.log").read_text, "the line of the log")
    assert line == "192.0.2.7 /x 200\n"
    server.signal(signal.SIGTERM)
    assert server.wait_exit() == 0
    assert "Traceback" not in server.output()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("worker = 4", "unknown key 'worker'; did you mean 'workers'?"),
        ("threads = many", "threads = many: 'many' is not a whole number"),
        ("backend = nothing", "there is no backend 'nothing'"),
        ("unix_socket_perms = 999", "permission bits are needed"),
    ],
)
def test_pserve_is_told_what_is_wrong_with_the_server_section(site, line, said):
    file = ini(site, APP_SECTIONS, f"\n[server:main]\nuse = egg:circus-stack\nport = 0\n{line}\n")
    done = subprocess.run([BIN / "pserve", file, "-n", "other"], cwd=site, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert said in done.stderr


def test_the_application_answers_json(supervisor, listener, site):
    ini(site, APP_SECTIONS)
    worker, client = start(supervisor, listener, site, "config:app.ini#other")
    supervisor.wait_ready(worker)
    assert json.loads(client.fetch("/")[1])["name"] == "other"
