"""What ends a call of a plugin that is asked to stop: no fault of the plugin's, and told as none."""

from __future__ import annotations

from circus_stack.errors import CallError


class CallGivenUpError(CallError):
    """The plugin was asked to stop while it waited for a reply."""
