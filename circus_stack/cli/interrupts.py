"""Ctrl-C while a program still imports: it ends as the shell expects, without a traceback. Imports nothing of ours.

A program that was started with SIGINT ignored (in the background of a script) keeps it ignored.
"""

from __future__ import annotations

import signal


def die_of_interrupts() -> None:
    """From here on Ctrl-C ends the process at once: nothing is there yet that could be cleaned up."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def raise_interrupts() -> None:
    """From here on Ctrl-C is a KeyboardInterrupt, for programs that have something to clean up."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
