"""The base of plugins that look after something now and then, and count in statsd what they see."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from circus_stack.plugins.periodic import PeriodicCallback
from circus_stack.plugins.statsd_emitter import StatsdEmitter
from circus_stack.protocol.reply import is_error

log = logging.getLogger(__name__)


class BaseObserver(StatsdEmitter):
    """Calls `look_after` every `loop_rate` seconds (60); it may be a coroutine function."""

    def __init__(self, *args: Any, **config: Any) -> None:
        super().__init__(*args, **config)
        self.loop_rate = self.options.number("loop_rate", 60.0, above=0)

    def handle_init(self) -> object:
        self.period = PeriodicCallback(self.look_after, self.loop_rate * 1000)
        self.period.start()
        return None

    def handle_stop(self) -> object:
        self.period.stop()
        return None

    def handle_recv(self, data: Sequence[bytes]) -> object:
        """An observer asks; it does not listen."""

    def look_after(self) -> object:
        """One look. To be overridden."""
        raise NotImplementedError(f"{type(self).__name__} has no look_after()")

    def restart_watcher(self, name: str) -> bool:
        """Restart a watcher that runs; False for one that somebody has stopped, which stays stopped, or for none."""
        state = self.call("status", name=name)
        if is_error(state) or state["status"] != "active":
            log.warning("%s is not restarted: %s", name, state.get("reason") or f"it is {state['status']}")
            return False
        reply = self.call("restart", name=name)
        if is_error(reply):
            log.error("%s could not be restarted: %s", name, reply.get("reason"))
            return False
        return True
