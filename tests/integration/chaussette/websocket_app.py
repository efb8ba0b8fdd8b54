"""WebSockets by simple-websocket, as a worker under test serves them."""

from __future__ import annotations

from simple_websocket import ConnectionClosed, Server


def app(environ, start_response):
    """/echo sends all back until the client closes, /once closes by itself, /plain refuses the upgrade."""
    if environ["PATH_INFO"] == "/plain" or "HTTP_UPGRADE" not in environ:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"no WebSocket"]
    sock = Server(environ)
    try:
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
