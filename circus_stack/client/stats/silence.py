"""What to say, and when, of a statistics channel from which nothing comes. Pure."""

from __future__ import annotations

from circus_stack.errors import CallError

# A tick is a second, unless the stack says otherwise: after so many of them somebody should know.
SILENCE_S = 30.0


def silence_error(endpoint: str, silence_s: float) -> CallError:
    """For whoever waits for records."""
    return CallError(
        f"nothing of what was asked for came from {endpoint} within {silence_s:g} s: there is no such watcher, process "
        f"or socket, nobody publishes there, or only for those with a key"
    )
