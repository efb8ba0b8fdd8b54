"""How pywsgi's server accepts where others accept on its socket, too: whom a connection wakes, and what happens for
want of descriptors. Imported only once gevent is there and has patched."""

from __future__ import annotations

import _socket
import logging
from collections.abc import Callable
from typing import Any

from gevent import pywsgi

from chaussette.backends.gevent_exclusive import ExclusiveWatch
from chaussette.backends.shortage import SHORTAGE_S, SHORTAGES, Reserve
from chaussette.tls import Certificates

log = logging.getLogger("chaussette")


def is_silent(sock: Any) -> bool:
    """Whether nothing has come yet on a connection of gevent's, which is open."""
    try:
        _socket.socket.recv(sock._sock, 1, _socket.MSG_PEEK | _socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class AcceptingServer(pywsgi.WSGIServer):  # type: ignore[misc]  # gevent is not typed here
    """With `certificates` a handshake comes first. With a `watch` it is exclusive; `reserve` then wakes another worker
    where this one can accept no more. `accepted` is called for each connection."""

    certificates: Certificates | None = None
    watch: ExclusiveWatch | None = None
    reserve: Reserve | None = None
    accepted: Callable[[], None]

    def start_accepting(self) -> None:
        """Also after a pause, for want of descriptors."""
        super().start_accepting()
        if self.watch is not None:
            self.watch.settle()

    def do_read(self) -> Any:
        """Accept one."""
        if self.watch is not None:
            self.watch.taken()
        try:
            found = super().do_read()
        except OSError as error:
            if error.errno not in SHORTAGES:
                raise
            self._wait_out(error)
            return None
        # None: another worker was faster.
        if found is not None:
            self.accepted()
            if self.watch is not None and (self.certificates is not None or is_silent(found[0])):
                # It is ours all the same, and may make us busy at the moment that another one comes.
                self.watch.go_last()
        return found

    def _wait_out(self, error: OSError) -> None:
        log.warning("cannot accept: %s; trying again in %g s", error.strerror, SHORTAGE_S)
        self.stop_accepting()
        if self.reserve is not None:
            # Nobody else was woken for what is left in the queue.
            self.reserve.wake_another()
        self._rest()

    def _rest(self) -> None:
        # pywsgi's own name: a stop ends it.
        self._timer = self.loop.timer(SHORTAGE_S)
        self._timer.start(self._try_again)

    def _try_again(self) -> None:
        self.stop_accepting()
        if self.reserve is not None and self.reserve.is_short():
            # To watch is to be woken in the place of somebody who could.
            self._rest()
        else:
            self._start_accepting_if_started()

    def stop_accepting(self) -> None:
        """For good, or for a pause."""
        if self.watch is not None:
            self.watch.end()
        super().stop_accepting()
