"""Small applications that are loaded once and forked: each says what a test wants to know of its process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.integration.serve.projects import write_app, write_ini
from tests.support.stack import RunningStack

SERVER = """\
use = egg:circus-stack
listen = 127.0.0.1:0
workers = 2
preload = true
"""

# Answers with its pid; /loaded: the pid of the process that has imported it; /draw: what no two workers may share;
# /env/NAME: a variable; /warm: how often it was asked before; /kin: parent, session, and descriptors 0 to 2.
APP = """\
import os, random, uuid

LOADED_BY = os.getpid()
asked = 0


def app(environ, start_response):
    global asked
    path = environ["PATH_INFO"]
    if path == "/":
        text = str(os.getpid())
    elif path == "/loaded":
        text = str(LOADED_BY)
    elif path == "/draw":
        text = f"{random.random()} {uuid.uuid4()}"
    elif path.startswith("/env/"):
        text = os.environ.get(path[5:], "-")
    elif path == "/warm":
        text = str(asked)
    elif path == "/kin":
        text = f"{os.getppid()} {os.getsid(0)} " + " ".join(os.readlink(f"/proc/self/fd/{n}") for n in range(3))
    asked += 1
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]


def make(global_conf, **settings):
    return app
"""


def write_project(directory: Path, *, more: str = "", top: str = "", sections: str = "") -> str:
    """An ini whose server section has `more`, and an application that begins with the lines `top`; the ini's path."""
    write_app(directory, top + APP)
    return str(write_ini(directory, server=SERVER + more, more=sections))


def zygote_of(stack: RunningStack, name: str = "web") -> dict[str, Any]:
    """What `status` tells of the one that the workers are forked from."""
    found: dict[str, Any] = stack.call("status", extended=True)["watchers"][name]["zygotes"][0]
    return found
