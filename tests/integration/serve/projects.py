"""Small projects that the tests serve: an application, an ini, scripts for watchers."""

from __future__ import annotations

import shlex
import sys
import textwrap
from pathlib import Path

BACKENDS = ("wsgiref", "waitress", "gevent", "fastgevent", "meinheld", "eventlet", "bjoern")

HELLO = '''\
"""Answers with its pid; /env/NAME with a variable of its environment."""
import os


def app(environ, start_response):
    path = environ["PATH_INFO"]
    body = os.environ.get(path[5:], "-") if path.startswith("/env/") else str(os.getpid())
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body.encode()]


def make(global_conf, **settings):
    return app
'''

SERVER = """\
use = egg:circus-stack
listen = 127.0.0.1:0
backend = wsgiref
workers = 2
"""

# circusd's endpoints are ports that only one of them can have: in a directory of the test's own instead.
CIRCUS_SECTION = """\
[circus]
endpoint = ipc://{base}/control
pubsub_endpoint = ipc://{base}/events
logs_endpoint = ipc://{base}/logs
"""


def write_app(directory: Path, source: str = HELLO, name: str = "hello") -> Path:
    """A module that chaussette finds in its working directory."""
    path = directory / f"{name}.py"
    path.write_text(source)
    return path


def write_ini(directory: Path, *, server: str = SERVER, more: str = "", name: str = "app.ini") -> Path:
    """A PasteDeploy ini that serves `hello.make`; `more` are further sections."""
    if not (directory / "hello.py").exists():
        write_app(directory)
    path = directory / name
    path.write_text(f"[app:main]\nuse = call:hello:make\n\n[server:main]\n{server}\n{textwrap.dedent(more)}")
    return path


def write_watchers(directory: Path, text: str, name: str = "app.ini") -> Path:
    """An ini without an application: watchers, sockets and services alone."""
    path = directory / name
    path.write_text(textwrap.dedent(text))
    return path


def script(directory: Path, name: str, code: str) -> str:
    """A command line that runs a script of that name, isolated so that it starts fast. In a file, since an ini takes
    the indentation of further lines away."""
    path = directory / f"{name}.py"
    path.write_text(code)
    return shlex.join([sys.executable, "-I", "-S", "-u", str(path)])
