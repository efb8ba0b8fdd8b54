"""The WSGI layer under meinheld that mends its environ and its answer to HEAD.

meinheld keeps one buffer for the peer's address (so that each request shows the last one that connected, of an IPv6
peer nonsense), knows neither the name nor the port of an inherited socket, leaves out an empty QUERY_STRING, sends a
body for HEAD, and leaves the error of a request that it has refused to the next one.
"""

from __future__ import annotations

import _socket
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from chaussette.backends.response_layer import headless
from chaussette.environ import UNIX_REMOTE_ADDR
from chaussette.idle import local_key

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

native_socket = _socket.socket
CLIENT = "meinheld.client"


def mended(
    app: WSGIApplication, listening: Sequence[socket.socket], environs: Sequence[dict[str, object]]
) -> WSGIApplication:
    """`app` behind the layer. The listeners tell which of the `environs` belongs to a connection."""
    identify = _identifier(listening, [_without_port(*each) for each in zip(listening, environs, strict=True)])

    def mend(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        client = environ[CLIENT]
        try:
            fd = client.get_fd()
        except SystemError:
            # A request before this one, anybody's, was refused, and meinheld has left its error where the next call
            # into C finds it; with that it is gone.
            fd = client.get_fd()
        environ["REMOTE_ADDR"], constant = identify(fd)
        environ.update(constant)
        environ.setdefault("QUERY_STRING", "")
        if environ["REQUEST_METHOD"] == "HEAD":
            return headless(app(environ, start_response))
        return app(environ, start_response)

    return mend


def _without_port(sock: socket.socket, environ: dict[str, object]) -> dict[str, object]:
    """meinheld makes up a REMOTE_PORT for the peer of a unix socket."""
    return {**environ, "REMOTE_PORT": ""} if sock.family == socket.AF_UNIX else environ


def _identifier(
    listening: Sequence[socket.socket], environs: Sequence[dict[str, object]]
) -> Callable[[int], tuple[str, dict[str, object]]]:
    """From the fd of a connection to its peer's address and the environ of its listener."""
    if len(listening) > 1:
        return _any_of(listening, environs)
    environ = environs[0]
    if listening[0].family == socket.AF_UNIX:
        return lambda _fd: (UNIX_REMOTE_ADDR, environ)
    # Said, so that the kernel need not be asked: this runs at each request.
    family, kind, proto = int(listening[0].family), int(listening[0].type), listening[0].proto

    def identify(fd: int) -> tuple[str, dict[str, object]]:
        sock = native_socket(family, kind, proto, fd)
        try:
            return sock.getpeername()[0], environ
        except OSError:  # the client is gone; the application may still run to its end
            return "", environ
        finally:
            sock.detach()

    return identify


def _any_of(
    listening: Sequence[socket.socket], environs: Sequence[dict[str, object]]
) -> Callable[[int], tuple[str, dict[str, object]]]:
    """The same with several listeners: a connection's local address tells which; a wildcard one has the port only."""
    by_key: dict[object, dict[str, object]] = {}
    for sock, environ in zip(listening, environs, strict=True):
        by_key[local_key(sock)] = by_key[sock.getsockname()] = environ

    def identify(fd: int) -> tuple[str, dict[str, object]]:
        sock = native_socket(fileno=fd)
        try:
            environ = by_key.get(sock.getsockname()) or by_key.get(local_key(sock)) or environs[0]
            peer = sock.getpeername()
        except OSError:
            return "", environs[0]
        finally:
            sock.detach()
        return (peer[0] if isinstance(peer, tuple) else UNIX_REMOTE_ADDR), environ

    return identify
