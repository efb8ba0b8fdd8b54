"""The pause between the starts of two watchers: Circus's warmup_delay of the section [circus]. One timer, no sleep."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from circus_stack.arbiter.pulse import Pulse


class Pace:
    """Lets one watcher go at a time; whoever may not yet hears of it by the pulse. Times are monotonic seconds."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        pulse: Pulse,
        clock: Callable[[], float],
        delay_s: Callable[[], float],
    ) -> None:
        self._loop = loop
        self._pulse = pulse
        self._clock = clock
        self._delay_s = delay_s
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def may_go(self) -> bool:
        """Whether the next one may start now; it is taken to do so then."""
        now, delay_s = self._clock(), self._delay_s()
        if now >= self._next_at or not delay_s:
            self._next_at = now + delay_s
            return True
        if self._timer is None:
            self._timer = self._loop.call_later(self._next_at - now, self._beat)
        return False

    def _beat(self) -> None:
        self._timer = None
        self._pulse.beat()
