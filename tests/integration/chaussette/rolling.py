"""Two workers on one listening socket, replaced again and again: the one way to do it for all tests under load.

The new worker is started and says READY before the old one gets its SIGTERM, as a rolling reload does it.
"""

from __future__ import annotations

import signal

# wsgiref answers in HTTP/1.0 and closes each connection: there is no keep-alive to lose.
KEEPING = [("waitress", ()), ("gevent", ()), ("fastgevent", ()), ("meinheld", ()), ("eventlet", ()), ("bjoern", ())]


def roll(supervisor, listener, backend, options, reloads):
    """Replace one of two workers `reloads` times; every one that goes must go with 0."""

    def start():
        return supervisor.start_ready("--backend", backend, *options, fds=[listener.fileno()])

    workers = [start(), start()]
    yield
    for _ in range(reloads):
        workers.append(start())
        old = workers.pop(0)
        old.signal(signal.SIGTERM)
        assert old.wait_exit() == 0, old.output()
    yield
