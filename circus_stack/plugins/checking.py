"""Whether a shipped plugin would take its configuration: asked before anything starts. Connects to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from circus_stack.errors import CircusStackError
from circus_stack.plugins.loading import load_plugin, resolved
from circus_stack.plugins.options import PluginOptions

_OURS = "circus_stack.plugins."
_CHECK_DELAY_S = 5.0


def mistake_of(use: str, config: Mapping[str, str]) -> CircusStackError | None:
    """What is wrong with the class or with its options. A class of the user's own is left alone: its module is for the
    plugin's process to import, and what it does with its options is its affair."""
    if not resolved(use).startswith(_OURS):
        return None
    plugin: Any = None
    try:
        found: Any = load_plugin(use)
        # The base class reads it, and has no words for what is wrong.
        PluginOptions(found.__name__, config).flag("active", True)
        plugin = found.__new__(found)
        found.__init__(plugin, "", "", _CHECK_DELAY_S, **config)
    except CircusStackError as error:
        return error
    finally:
        loop = getattr(plugin, "loop", None)
        if loop is not None:
            # Not its own close(), which belongs to the thread that ran it: nothing has run in it.
            loop.asyncio_loop.close()
    return None
