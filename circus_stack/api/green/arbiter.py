"""The arbiter in a program on gevent: in a thread of its own, or in a process where gevent has patched the sockets."""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent.threadpool import ThreadPool

from circus_stack.api.arbiter import Arbiter as _Arbiter
from circus_stack.api.green.beside import run_beside
from circus_stack.api.surroundings import is_patched

# Where the start of one in the background is looked for: a thread can't wake a greenlet by a plain event.
_PAUSE_S = 0.01


class Arbiter(_Arbiter):
    """`start` returns when the arbiter has ended, and lets other greenlets run meanwhile; with `is_background`, as
    soon as it answers commands. The arbiter answers no signals: the program calls `stop`.

    In a program whose sockets gevent has patched it has a process of its own, which ends with the program.
    """

    is_background = False

    def start(self, cb: Callable[[None], None] | None = None) -> None:
        if not self.is_background:
            self._run_here(cb)
            return
        started = gevent.spawn(self._settle, cb)
        while not self._is_answering.is_set() and not started.ready():
            gevent.sleep(_PAUSE_S)
        if started.ready() and started.value is not None:
            raise started.value

    def _settle(self, cb: Callable[[None], None] | None) -> BaseException | None:
        """What it ended with, for whoever still waits for the start."""
        try:
            self._run_here(cb)
        except Exception as error:
            return error
        return None

    def _run_here(self, cb: Callable[[None], None] | None) -> None:
        if is_patched():
            self._run_beside(cb)
        else:
            ThreadPool(1).spawn(super().start, cb).get()

    def _run_beside(self, cb: Callable[[None], None] | None) -> None:
        with self._runs():
            run_beside(
                self._declare(),
                self._source,
                on_bound=self._bound,
                on_up=lambda: cb(None) if cb is not None else None,
            )
