"""WebSockets by simple-websocket, as a worker under test serves them."""

from __future__ import annotations

from pathlib import Path

import gevent
from simple_websocket import ConnectionClosed, Server

BIG = 8_000_000
SMALL = 20


def send_from_two_greenlets(sock: Server, file: Path) -> None:
    """A message that no socket takes at once, and small ones meanwhile; `file` is there once both wait."""
    big = gevent.spawn(sock.send, b"A" * BIG)
    gevent.sleep(0.2)
    small = gevent.spawn(lambda: [sock.send(b"B%d" % number) for number in range(SMALL)])
    gevent.sleep(0.2)
    file.touch()
    gevent.joinall([big, small])


def app(environ, start_response):
    """/echo sends all back until the client closes, /once closes by itself, /plain refuses the upgrade, /two/FILE
    sends from two greenlets."""
    if environ["PATH_INFO"] == "/plain" or "HTTP_UPGRADE" not in environ:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"no WebSocket"]
    sock = Server(environ)
    try:
        if environ["PATH_INFO"].startswith("/two/"):
            send_from_two_greenlets(sock, Path(environ["PATH_INFO"].removeprefix("/two")))
        while True:
            sock.send(sock.receive())
            if environ["PATH_INFO"] == "/once":
                sock.close()
                break
    except ConnectionClosed:
        pass
    if environ["PATH_INFO"] == "/answer":
        # As frameworks do that know nothing of the upgrade.
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"over"]
    return []
