"""What each signal asks of the arbiter. Handlers run in the loop and only enqueue: nothing here waits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable

from circus_stack.arbiter.arbiter import Arbiter
from circus_stack.config.parts import WEB
from circus_stack.errors import CircusStackError
from circus_stack.system.signals import answer_signal, release_signals
from circus_stack.system.terminal import has_terminal

log = logging.getLogger(__name__)

# A terminal and a program that forwards its signal send one Ctrl-C twice: within this time it is still the first one.
_ECHO_S = 0.3


class SignalDesk:
    """INT, TERM and QUIT end the stack, HUP calls `reload`, USR2 calls `upgrade`, TTIN and TTOU add and take away a
    process."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        arbiter: Arbiter,
        reload: Callable[[], None],
        upgrade: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = loop
        self._arbiter = arbiter
        self._reload = reload
        self._upgrade = upgrade
        self._had_terminal = has_terminal()
        self._asked_to_end_at: float | None = None

    def open(self) -> None:
        """Answer signals from here on; those that were held back arrive now."""
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            answer_signal(self._loop, signum, self._end)
        answer_signal(self._loop, signal.SIGHUP, self._hang_up)
        answer_signal(self._loop, signal.SIGUSR2, lambda: self._upgrade())
        answer_signal(self._loop, signal.SIGTTIN, self._resize, 1)
        answer_signal(self._loop, signal.SIGTTOU, self._resize, -1)
        answer_signal(self._loop, signal.SIGWINCH, lambda: None)
        release_signals()

    def _end(self) -> None:
        """The first signal stops gracefully; whoever sends a second one doesn't want to wait."""
        now = self._loop.time()
        if self._asked_to_end_at is None:
            self._asked_to_end_at = now
            log.info("stopping; a second signal kills what is left at once")
            self._arbiter.request_quit()
        elif now - self._asked_to_end_at > _ECHO_S:
            log.warning("asked again to end: every process is killed")
            self._arbiter.kill_everything()

    def _hang_up(self) -> None:
        if self._had_terminal and not has_terminal():
            log.info("the terminal went away: the stack stops")
            self._arbiter.request_quit()
        else:
            self._reload()

    def _resize(self, step: int) -> None:
        name = self._resizable()
        if name is None:
            log.warning("there is no one watcher whose processes a signal could add to or take from")
            return
        with contextlib.suppress(CircusStackError):
            self._arbiter.change_wanted(name, step, least=1)

    def _resizable(self) -> str | None:
        """The web watcher, or the only one that isn't a singleton."""
        names = [name for name in self._arbiter.names() if not self._arbiter.config(name).singleton]
        if self._arbiter.stack.web is not None and WEB in names:
            return WEB
        return names[0] if len(names) == 1 else None
