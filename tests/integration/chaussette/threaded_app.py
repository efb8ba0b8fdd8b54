"""An application with a thread of its own, to which the kernel hands the signals of the process."""

from __future__ import annotations

import signal

# Native ones, taken before gevent has patched the standard library.
from chaussette.lifecycle import native_sleep, start_new_thread
from tests.integration.chaussette.apps import app

__all__ = ["app"]

start_new_thread(native_sleep, (120,))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
