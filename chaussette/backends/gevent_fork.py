"""gevent's hub over a fork. Imported only once gevent is there.

The hub stays, since locks and timers of the application hold on to it, and gets a loop of its own kernel objects: an
epoll that forks share would wake one worker for another one's sockets. Greenlets go on in each worker.
"""

from __future__ import annotations

import sys
import time

import gevent
from gevent._hub_local import get_hub_if_exists

# The pool's threads end as soon as they are told; none of them has work by then.
_PATIENCE_S = 5.0


def end_thread_pool() -> None:
    """The threads of the hub's pool, which a name lookup leaves behind: a worker gets some of its own when it needs
    them."""
    hub = get_hub_if_exists()
    pool = None if hub is None else hub._threadpool
    if pool is None:
        return
    threads = {worker._thread_ident for worker in pool._worker_greenlets}
    pool.size = 0
    deadline = time.monotonic() + _PATIENCE_S
    # They have left the pool, and may still be on their last lines.
    while not threads.isdisjoint(sys._current_frames()) and time.monotonic() < deadline:
        gevent.sleep(0.001)


def renew_hub() -> None:
    """In the worker: an epoll of its own, no threads that are gone."""
    gevent.reinit()
