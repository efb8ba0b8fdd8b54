"""A stack is reloaded, scaled and its workers are ended under load, over TLS and with a socket a process: no request
fails. Plain HTTP on one shared socket, on each backend, is with the tests of preload."""

from __future__ import annotations

import os
import signal

import pytest

from tests.integration.serve.projects import write_app, write_watchers
from tests.support.certificates import make_authority, sign
from tests.support.load import wrk

# What is served, by the watcher's name: the backend, whether it is https, whether each process has a socket.
SERVED = {
    "tlswsgiref": ("wsgiref --threads 4", True, False),
    "tlsgevent": ("gevent", True, False),
    "tlsfast": ("fastgevent", True, False),
    "owngevent": ("gevent", False, True),
    "ownfast": ("fastgevent", False, True),
    "ownwaitress": ("waitress", False, True),
}


def sections(name: str, folder: str) -> str:
    backend, is_tls, is_own = SERVED[name]
    tls = f"--certfile {folder}/server.pem --keyfile {folder}/server.key " if is_tls else ""
    return f"""
[socket:{name}]
host = 127.0.0.1
port = 0
so_reuseport = {is_own}

[watcher:{name}]
cmd = chaussette --fd $(circus.sockets.{name}) --backend {backend} {tls}hello:app
use_sockets = true
ready = notify
numprocesses = 2
"""


@pytest.mark.parametrize("kind", ["tls", "own"])
def test_no_request_fails(here, kind):
    make_authority(here.directory)
    sign(here.directory, "server", "/CN=stack")
    write_app(here.directory)
    names = [name for name in SERVED if name.startswith(kind)]
    ini = "".join(sections(name, str(here.directory)) for name in names)
    stack = here.serve(str(write_watchers(here.directory, ini)))
    for name in names:
        scheme = "https" if kind == "tls" else "http"
        port = stack.address(name)[1]
        # wsgiref closes each connection. So do all clients of sockets that are a process's own: what is lost there is
        # lost in a queue, which a successor inherits. Whom nobody succeeds is left with connections that are kept: what
        # comes between the last look into his queue and its end, 20 us, is lost by every server.
        keeps = name != "tlswsgiref"
        with wrk(port, keep_alive=keeps and kind == "tls", scheme=scheme) as replaced:
            before = stack.pids(name)
            stack.call("reload", name=name, waiting=True)
            assert not set(before) & set(stack.pids(name))
            [first, _second] = stack.pids(name)
            os.kill(first, signal.SIGTERM)
            stack.wait_pids(2, other_than=[first], watcher=name)
        with wrk(port, keep_alive=keeps, scheme=scheme) as scaled:
            stack.call("incr", name=name, nb=1, waiting=True)
            stack.call("decr", name=name, nb=2, waiting=True)
            assert len(stack.pids(name)) == 1
        for outcome in (replaced, scaled):
            assert outcome.errors == [], (name, stack.output())
            assert outcome.requests > 0
    assert stack.stop() == 0
    here.assert_nothing_left()
