"""The arbiter in a program on gevent: in a thread of its own, while the program's greenlets go on."""

from __future__ import annotations

from collections.abc import Callable

from gevent.threadpool import ThreadPool

from circus_stack.api.arbiter import Arbiter as _Arbiter


class Arbiter(_Arbiter):
    """`start` returns when the arbiter has ended, and lets other greenlets run meanwhile; with `is_background`, as
    soon as it runs. The arbiter answers no signals: the program calls `stop`."""

    is_background = False

    def start(self, cb: Callable[[None], object] | None = None) -> None:
        ended = ThreadPool(1).spawn(super().start, cb)
        if not self.is_background:
            ended.get()
