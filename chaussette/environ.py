"""The part of a WSGI environ that is the same for every request on a listening socket."""

from __future__ import annotations

import socket

# PEP 3333: SERVER_NAME and SERVER_PORT are never empty. A unix socket has neither: it gets what a URL leaves out.
UNIX_SERVER_NAME = "localhost"
UNIX_SERVER_PORT = "80"
# The peer of a unix socket has no address. Empty, as CGI says of what is not known.
UNIX_REMOTE_ADDR = ""


def server_name_and_port(sock: socket.socket) -> tuple[str, str]:
    """SERVER_NAME and SERVER_PORT of a listening socket, from getsockname; a wildcard becomes the machine's name."""
    if sock.family == socket.AF_UNIX:
        return UNIX_SERVER_NAME, UNIX_SERVER_PORT
    host, port = sock.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname() or UNIX_SERVER_NAME
    return host, str(port)


def base_environ(
    sock: socket.socket, *, multithread: bool, multiprocess: bool, software: str, scheme: str = "http"
) -> dict[str, object]:
    """What does not change from request to request: the server's names, SCRIPT_NAME, the constant `wsgi.` keys."""
    name, port = server_name_and_port(sock)
    return {
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_SOFTWARE": software,
        "SCRIPT_NAME": "",
        "wsgi.url_scheme": scheme,
        "wsgi.multithread": multithread,
        "wsgi.multiprocess": multiprocess,
        "wsgi.run_once": False,
    }
