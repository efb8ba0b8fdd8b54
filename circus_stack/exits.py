"""How a process ended, in words: the same ones on the terminal, in events and in the reasons of errors."""

from __future__ import annotations

import signal


def describe_exit(exit_code: int | None) -> str:
    """An exit code in words that follow a process's name: that of exit(), or minus the number of a signal. None: nobody
    told us."""
    if exit_code is None:
        return "ended"
    if exit_code >= 0:
        return "ended by itself" if exit_code == 0 else f"exited with status {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"
