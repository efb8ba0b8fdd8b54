"""A whole stack that serves https from forked workers: renewed certificates, WebSockets, a log that is rotated."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from pathlib import Path

import pytest
import websocket

from tests.integration.preload.projects import SERVER, zygote_of
from tests.integration.serve.projects import write_app, write_ini
from tests.support.certificates import make_authority, sign, trusting
from tests.support.waiting import PATIENCE_S, wait_until

# Answers with its pid; over a WebSocket with its pid, that of the process that imported it, and what it was told.
APP = """\
import os

from simple_websocket import Server

LOADED_BY = os.getpid()


def app(environ, start_response):
    if "HTTP_UPGRADE" in environ:
        sock = Server(environ)
        sock.send(f"{os.getpid()} {LOADED_BY} {sock.receive()}")
        sock.close()
        return []
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def make(global_conf):
    return app
"""


@pytest.fixture
def folder(here) -> Path:
    """Where the certificates are: an authority's, and the server's first one."""
    make_authority(here.directory)
    sign(here.directory, "server", "/CN=first")
    return here.directory


def shown(address: tuple[str, int], context: ssl.SSLContext) -> str:
    """The name in the certificate that is shown."""
    with (
        socket.create_connection(address, timeout=PATIENCE_S) as sock,
        context.wrap_socket(sock, server_hostname=address[0]) as wrapped,
    ):
        return dict(pair for part in wrapped.getpeercert()["subject"] for pair in part)["commonName"]


def asked(address: tuple[str, int], context: ssl.SSLContext, path: str) -> int:
    """The pid that has answered."""
    client = http.client.HTTPSConnection(*address, timeout=PATIENCE_S, context=context)
    with contextlib.closing(client):
        client.request("GET", path)
        return int(client.getresponse().read())


def said(address: tuple[str, int], authority: Path, word: str) -> list[str]:
    """What a WebSocket answers."""
    url = f"wss://{address[0]}:{address[1]}/"
    client = websocket.create_connection(url, timeout=PATIENCE_S, sslopt={"ca_certs": str(authority)})
    try:
        client.send(word)
        return client.recv().split()
    finally:
        client.shutdown()


@pytest.mark.parametrize("backend", ["gevent", "fastgevent"])
def test_renewed_certificates_websockets_and_a_rotated_log(here, folder, backend):
    more = (
        f"backend = {backend}\ncertfile = server.pem\nkeyfile = server.key\n"
        "access_log = access.log\naccess_log_format = {pid} {target}\n"
    )
    write_app(folder, APP)
    stack = here.serve(str(write_ini(folder, server=SERVER + more)))
    address, context = stack.address(), trusting(folder / "ca.pem")
    assert shown(address, context) == "first"
    pids = stack.pids()

    pid, loaded_by, word = said(address, folder / "ca.pem", "hello")
    assert int(pid) in pids
    assert (int(loaded_by), word) == (zygote_of(stack)["pid"], "hello")

    # As logrotate does: the workers go on, and find the file that bears the name.
    log = folder / "access.log"
    assert asked(address, context, "/before") in pids
    wait_until(lambda: "/before" in log.read_text(), "the line before the rotation")
    log.rename(folder / "access.log.1")

    def is_logged_anew() -> bool:
        assert asked(address, context, "/after") in pids
        return log.exists() and "/after" in log.read_text()

    wait_until(is_logged_anew, "a line after the rotation", pause_s=0.05)
    assert "/before" in (folder / "access.log.1").read_text()

    sign(folder, "server", "/CN=second")
    done = here.run("circus-stack", "reload", timeout_s=2 * PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr + stack.output()
    assert not set(stack.pids()) & set(pids)
    assert shown(address, context) == "second"
    assert asked(address, context, "/") in stack.pids()
    assert stack.stop() == 0
    here.assert_nothing_left()
