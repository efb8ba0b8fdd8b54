"""What holds for the whole run."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let the programs under test hear Ctrl-C: the background job of a script starts with SIGINT ignored, and every
    program started by it would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
