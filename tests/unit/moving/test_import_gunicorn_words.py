"""A gunicorn.conf.py in our words, without executing a line of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.config.problems import Problems
from circus_stack.moving.draft import Draft
from circus_stack.moving.gunicorn.expression import Machine
from circus_stack.moving.gunicorn.settings import read_settings
from circus_stack.moving.gunicorn.translate import import_gunicorn
from tests.unit.config.stacks import paste, watcher

PATH = "/srv/shop/gunicorn.conf.py"


def machine(**environ: str) -> Machine:
    return Machine(environ, 4, PATH)


def translate(source: str, app: str = "shop.wsgi:app", problems: Problems | None = None, **environ: str) -> Draft:
    found = Problems() if problems is None else problems
    draft = import_gunicorn(source, PATH, "/srv/shop", app, machine(**environ), found)
    if problems is None:
        assert found.mistakes == ()
    return draft


def server(source: str, **environ: str) -> dict[str, str]:
    return dict(translate(source, **environ).section("server:main").options)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("import multiprocessing\nx = multiprocessing.cpu_count() * 2 + 1", 9),
        ("from multiprocessing import cpu_count as n\nx = min(n(), 3)", 3),
        ("import os\nx = int(os.environ.get('N', '7'))", 7),
        ("import os\nx = os.getenv('SET') or 'no'", "yes"),
        ("from os import environ\nx = environ['SET'].upper()", "YES"),
        ("import os\nx = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'log')", "/srv/shop/log"),
        ("port = 80\nx = f'0.0.0.0:{port}'", "0.0.0.0:80"),
        ("x = 'a:%s' % 5", "a:5"),
        ("x = [1]\nx += [2]", [1, 2]),
        ("import os\nif os.environ.get('SET') == 'yes':\n    x = 1\nelse:\n    x = 2", 1),
        ("d = {'a': (1, 2)}\nx = d['a'][1]", 2),
        ("x: int = -3", -3),
        ("x = 1 if not False and 3 > 2 else 0", 1),
        ("try:\n    x = 5\nexcept Exception:\n    pass", 5),
    ],
)
def test_values_are_found(source: str, value: object) -> None:
    assert read_settings(source, machine(SET="yes")).settings["x"].value == value


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess\nx = subprocess.check_output('touch /tmp/executed')",
        "x = open('/etc/passwd').read()",
        "x = 'a' * 10**9",
        "x = 9 ** 9 ** 9",
        "import os\nx = os.environ['MISSING']",
        "x = 1 / 0",
        "x = [y for y in range(3)]",
        "x = (lambda: 1)()",
        "x = ().__class__.__bases__",
        "x = '{0.__class__}'.format(1)",
        "x = 1\nfor i in range(3):\n    x = i",
        "from settings import *\nx = y",
    ],
)
def test_what_only_execution_would_tell_is_not_guessed(source: str) -> None:
    found = read_settings(source, machine())
    assert "x" not in found.settings
    assert found.unknown


def test_the_usual_settings(tmp_path: Path) -> None:
    source = """
import multiprocessing
bind = ["0.0.0.0:8000", "unix:/run/shop.sock"]
workers = multiprocessing.cpu_count() * 2 + 1
worker_class = "gthread"
threads = 4
graceful_timeout = 45
backlog = 100
max_requests = 1000
max_requests_jitter = 50
user = "nobody"
umask = 0o027
pidfile = "/run/shop.pid"
proc_name = "shop"
raw_env = ["A=1", "B=50% $HOME"]
errorlog = "/tmp/error.log"
loglevel = "warning"
"""
    stack = paste(tmp_path, translate(source).render("x"))
    assert stack.web is not None
    assert (stack.web.app, stack.web.workers, stack.web.threads) == ("shop.wsgi:app", 9, 4)
    assert (stack.sockets[0].host, stack.sockets[0].port) == ("0.0.0.0", 8000)
    assert stack.sockets[1].path == "/run/shop.sock"
    web = watcher(stack, "web")
    assert (web.graceful_timeout, web.uid, web.max_requests) == (45.0, "nobody", 1000)
    assert (web.env["A"], web.env["B"]) == ("1", "50% $HOME")
    assert web.working_dir == "/srv/shop"
    assert web.stderr_stream is not None and web.stderr_stream.options["filename"] == "/tmp/error.log"
    assert (stack.sockets[1].mode, stack.circus.umask) == (0o750, None)
    assert (stack.circus.name, stack.circus.pidfile) == ("shop", "/run/shop.pid")


@pytest.mark.parametrize(
    ("bind", "listen"),
    [
        ("", "127.0.0.1:8000"),
        ("bind = ':9000'", "*:9000"),
        ("bind = '0.0.0.0'", "0.0.0.0:8000"),
        ("bind = '[::1]:80'", "[::1]:80"),
        ("bind = 'a:1,b:2'", "a:1 b:2"),
        ("bind = 'unix:///run/x'", "unix:/run/x"),
    ],
)
def test_addresses(bind: str, listen: str) -> None:
    assert server(bind)["listen"] == listen


@pytest.mark.parametrize(
    ("name", "backend"), [("sync", None), ("gevent", "gevent"), ("egg:meinheld#gunicorn_worker", "meinheld")]
)
def test_worker_classes(name: str, backend: str | None) -> None:
    assert server(f"worker_class = {name!r}").get("backend") == backend


def test_what_has_no_counterpart_is_told_with_its_line() -> None:
    source = (
        "timeout = 120\nkeepalive = 5\npreload_app = True\ndaemon = False\naccesslog = '-'\n"
        "def post_fork(server, worker):\n    server.log.info('x')\n\ndef helper():\n    pass\n"
        "certfile = 'x.pem'\nstatsd_host = 'localhost:8125'\nworkers = len(open('x').read())\n"
    )
    text = translate(source).render("x")
    assert "hang_timeout = 120" in text
    for line, start in ((2, "keepalive"), (5, "accesslog"), (6, "def post_fork"), (11, "certfile")):
        assert f"# gunicorn.conf.py:{line}: {start}" in text, text
    assert "certfile = x.pem" in text
    assert "backend = wsgiref" in text
    assert "# gunicorn.conf.py:12: statsd_host" in text
    assert "# gunicorn.conf.py:13: workers = len(open('x').read())\n#   nothing of the file is executed" in text
    assert "daemon" not in text
    assert "helper" not in text


def test_what_was_computed_here_is_told() -> None:
    text = translate("import os\nworkers = os.cpu_count()\n").render("x")
    assert "workers = 4\n" in text
    assert "it is '4' here and now (4 processors)" in text


@pytest.mark.parametrize(
    ("source", "app", "message"),
    [
        ("", "", "names no application"),
        ("x = (", "a:b", "is no Python"),
        ("raw_env = ['A']", "a:b", "is no NAME=VALUE"),
        ("wsgi_app = 'not an app'", "", "is no application"),
        ("worker_class = 'uvicorn.workers.UvicornWorker'", "a:b", "ASGI"),
        ("x = " + "-" * 100_000 + "1", "a:b", ""),
    ],
)
def test_mistakes(source: str, app: str, message: str) -> None:
    problems = Problems()
    translate(source, app, problems)
    assert message in problems.mistakes[0].message


def test_a_module_alone_means_its_application() -> None:
    draft = translate("wsgi_app = 'shop.wsgi'", app="")
    assert dict(draft.section("server:main").options)["app"] == "shop.wsgi:application"
