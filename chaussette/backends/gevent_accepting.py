"""How pywsgi's server accepts where others accept on its socket, too: whom a connection wakes, and what happens for
want of descriptors. Imported only once gevent is there and has patched."""

from __future__ import annotations

import _socket
import logging
import weakref
from collections.abc import Callable
from time import monotonic
from typing import Any

from gevent import pywsgi

from chaussette.backends.gevent_exclusive import SILENCE_S, ExclusiveWatch
from chaussette.backends.shortage import SHORTAGE_S, SHORTAGES, Reserve
from chaussette.tls import Certificates

log = logging.getLogger("chaussette")


def is_silent(sock: Any) -> bool:
    """Whether nothing has come yet on a connection of gevent's; a closed one is not silent."""
    try:
        _socket.socket.recv(sock._sock, 1, _socket.MSG_PEEK | _socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except (OSError, TypeError):
        # TypeError: it was closed, which leaves another kind of object in it.
        return False
    return False


class AcceptingServer(pywsgi.WSGIServer):  # type: ignore[misc]  # gevent is not typed here
    """With `certificates` a handshake comes first. With a `watch` it is exclusive; `reserve` then wakes another worker
    where this one can accept no more. `accepted` is called for each connection."""

    certificates: Certificates | None = None
    watch: ExclusiveWatch | None = None
    reserve: Reserve | None = None
    accepted: Callable[[], None]
    # One that said nothing when it was accepted, and when that was. It is its own greenlet's to close.
    _silent: tuple[Callable[[], Any], float] = (lambda: None, 0.0)

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
            if self.watch is not None:
                self._make_way(self.watch, found[0])
        return found

    def _make_way(self, watch: ExclusiveWatch, sock: Any) -> None:
        """A connection that says nothing yet is ours all the same, and may make us busy at the moment that another one
        comes: that one is for others who watch. Whoever has one that has been silent for long gives his seat up, so
        that no few get all of that kind."""
        if self.certificates is not None:
            watch.go_last()
        elif is_silent(sock):
            reference, since = self._silent
            before, now = reference(), monotonic()
            if before is None or not is_silent(before):
                self._silent = weakref.ref(sock), now
            elif now - since > SILENCE_S:
                self._silent = weakref.ref(sock), now
                watch.go_last()
                return
            watch.go_behind()

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
