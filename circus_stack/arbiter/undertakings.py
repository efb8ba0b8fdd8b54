"""What the arbiter was asked to do, as tasks: each a job of its own or part of one; and what becomes of failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from circus_stack.arbiter.jobs import Job, JobBook
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.outcome import Outcome
from circus_stack.errors import CircusStackError, CommandError, Errno
from circus_stack.events import JobFailed

log = logging.getLogger(__name__)


class Undertakings:
    """The operations of one arbiter. None begins once it `is_quitting`."""

    def __init__(self, means: Means, is_quitting: Callable[[], bool]) -> None:
        self._means = means
        self._is_quitting = is_quitting
        self._tasks: set[asyncio.Task[Any]] = set()
        self.jobs = JobBook(means.epoch, self._tell_failure)

    def refuse_at_end(self) -> None:
        """Raises CommandError where nothing may begin any more."""
        if self._is_quitting():
            raise CommandError("the arbiter is about to quit", Errno.COMMAND_ERROR)

    def start(
        self, operation: Coroutine[Any, Any, Outcome], command: str, names: Sequence[str] | None
    ) -> asyncio.Task[Outcome]:
        """Carry out an operation, as a job of its own unless it is part of one. Raises CommandError at the end."""
        try:
            self.refuse_at_end()
        except CommandError:
            operation.close()
            raise
        return self._watched(self.jobs.start(self._means.loop, command, tuple(names or ()), operation))

    def background(self, operation: Coroutine[Any, Any, Outcome]) -> asyncio.Task[Outcome]:
        """Carry out what is no job."""
        return self._watched(self._means.loop.create_task(operation))

    def _watched(self, task: asyncio.Task[Outcome]) -> asyncio.Task[Outcome]:
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Outcome]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, CircusStackError):
            # Events have told what happened, and whoever asked for the operation may have awaited it.
            log.debug("%s", error)
        elif error is not None:
            log.error("an operation failed", exc_info=error)

    def _tell_failure(self, job: Job) -> None:
        """Whoever didn't wait for an operation learns of its failure here."""
        if self._is_quitting():
            # Everything is overtaken now; that is no news.
            return
        for name in job.watchers or ("circus",):
            self._means.publish(
                JobFailed(
                    watcher=name, time=self._means.epoch(), job=job.id, command=job.command, error=job.error or ""
                )
            )
