"""The loop of a plugin: asyncio's, by the names of Tornado's IOLoop, which plugins written for Circus call."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Protocol

from circus_stack.plugins.stopping import CallGivenUpError

log = logging.getLogger(__name__)


class HasFileno(Protocol):
    """A socket or file."""

    def fileno(self) -> int: ...


class EventLoop:
    """Callbacks, timers and file descriptors of one plugin. A callback that fails is logged, and the loop goes on.

    All but `add_callback` and `add_callback_from_signal` belong to the loop's own thread.
    """

    READ, WRITE, ERROR = 0x001, 0x004, 0x018

    def __init__(self) -> None:
        self.asyncio_loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()

    def make_current(self) -> None:
        """Libraries that ask asyncio for the current loop, Tornado among them, get this one."""
        asyncio.set_event_loop(self.asyncio_loop)

    def start(self) -> None:
        """Run until `stop`."""
        self.make_current()
        self.asyncio_loop.run_forever()

    def stop(self) -> None:
        """Let `start` return after the callbacks that are due."""
        self.asyncio_loop.stop()

    def close(self) -> None:
        """Give the loop up, with what still runs in it. Safe to call twice."""
        if self.asyncio_loop.is_closed():
            return
        tasks = tuple(asyncio.all_tasks(self.asyncio_loop))
        for task in tasks:
            task.cancel()
        self.asyncio_loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.asyncio_loop.close()
        asyncio.set_event_loop(None)

    def is_running(self) -> bool:
        """Whether `start` is under way."""
        return self.asyncio_loop.is_running()

    def time(self) -> float:
        """Seconds of the clock that `call_at` and `add_timeout` count by."""
        return self.asyncio_loop.time()

    # -- callbacks and timers ---------------------------------------------------------------------------------

    def add_callback(self, callback: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call it in the loop, soon. May be called from any thread."""
        if not self.asyncio_loop.is_closed():
            self.asyncio_loop.call_soon_threadsafe(lambda: self.run(callback, *args, **kwargs))

    def add_callback_from_signal(self, callback: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """The same, out of a signal handler."""
        self.add_callback(callback, *args, **kwargs)

    def spawn_callback(self, callback: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call it in the loop, soon; a coroutine function goes on for as long as it likes."""
        self.add_callback(callback, *args, **kwargs)

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, **kwargs: Any
    ) -> asyncio.TimerHandle:
        """Call it in `delay` seconds; what it returns can be cancelled, also by `remove_timeout`."""
        return self.asyncio_loop.call_later(delay, lambda: self.run(callback, *args, **kwargs))

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        """Call it when `time()` is `when`."""
        return self.call_later(when - self.time(), callback, *args, **kwargs)

    def add_timeout(
        self, deadline: float | timedelta, callback: Callable[..., object], *args: Any, **kwargs: Any
    ) -> asyncio.TimerHandle:
        """`deadline` is a moment of `time()`, or a span from now on."""
        if isinstance(deadline, timedelta):
            return self.call_later(deadline.total_seconds(), callback, *args, **kwargs)
        return self.call_at(deadline, callback, *args, **kwargs)

    def remove_timeout(self, timeout: asyncio.TimerHandle) -> None:
        """Take a timer back."""
        timeout.cancel()

    def run(self, callback: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call it now, in the loop's thread; a coroutine that it returns goes on as a task."""
        try:
            result = callback(*args, **kwargs)
        except CallGivenUpError as error:
            log.info("%s: %s", describe(callback), error)
            return
        except Exception:
            log.exception("%s failed", describe(callback))
            return
        if inspect.iscoroutine(result):
            self.spawn(result, describe(callback))

    def spawn(self, work: Coroutine[Any, Any, object], name: str) -> asyncio.Task[Any]:
        """Run a coroutine in the loop; its failure is logged."""
        task = self.asyncio_loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, CallGivenUpError):
            log.info("%s: %s", task.get_name(), error)
        elif error is not None:
            log.error("%s failed", task.get_name(), exc_info=error)

    # -- file descriptors -------------------------------------------------------------------------------------

    def add_handler(self, fd: int | HasFileno, handler: Callable[[Any, int], object], events: int) -> None:
        """Call `handler(fd, events)` whenever the descriptor can be read (READ) or written (WRITE)."""
        if events & self.READ:
            self.asyncio_loop.add_reader(fd, self.run, handler, fd, self.READ)
        if events & self.WRITE:
            self.asyncio_loop.add_writer(fd, self.run, handler, fd, self.WRITE)

    def update_handler(self, fd: int | HasFileno, handler: Callable[[Any, int], object], events: int) -> None:
        """Another handler, or other events, for a descriptor."""
        self.remove_handler(fd)
        self.add_handler(fd, handler, events)

    def remove_handler(self, fd: int | HasFileno) -> None:
        """Look at a descriptor no more."""
        self.asyncio_loop.remove_reader(fd)
        self.asyncio_loop.remove_writer(fd)


def describe(callback: Callable[..., object]) -> str:
    """A callback's name, for messages."""
    return getattr(callback, "__qualname__", None) or repr(callback)
