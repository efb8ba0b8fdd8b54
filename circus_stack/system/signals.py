"""Holding signals back where nothing could answer them yet. What they then do is somebody else's affair."""

from __future__ import annotations

import signal

# All that a person or an init system sends to an arbiter.
_HELD = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU)


def hold_signals() -> None:
    """From here to `release_signals` a signal waits: it must not end a process that has something to clean up and no
    handler yet. A child that is started meanwhile would inherit this: start none."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)


def release_signals() -> None:
    """What has come meanwhile arrives now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
