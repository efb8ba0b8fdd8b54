"""The last lines that a watcher or one of its processes wrote, and those to come: for the pane of details."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Sequence

from circus_stack.client.aio import AsyncClient
from circus_stack.client.aio_subscriber import AsyncSubscriber
from circus_stack.client.loglines import LogJoin, LogRecord
from circus_stack.errors import CallError, CommandError
from circus_stack.protocol.topics import log_prefix
from circus_stack.top.place import Place

# More than any pane shows.
LINES = 200
_TIMEOUT_S = 3.0


class LogTail:
    """Follows one watcher, or one process of it. `lines` are the newest; `trouble` is why there are none."""

    def __init__(self, place: Place, watcher: str, pid: int | None) -> None:
        self._place = place
        self._watcher = watcher
        self._pid = pid
        self.lines: deque[LogRecord] = deque(maxlen=LINES)
        self.trouble = ""

    async def run(self, tell: Callable[[], None]) -> None:
        """Follow until cancelled; `tell` is called after each change."""
        if not self._place.logs_endpoint:
            self.trouble = "no log lines: only a statistics channel was named"
            tell()
            return
        async with contextlib.AsyncExitStack() as stack:
            # First, so that no line falls between the two.
            topic = log_prefix(self._watcher, self._pid)
            subscriber = AsyncSubscriber(self._place.logs_endpoint, (topic,), credentials=self._place.credentials)
            stack.callback(subscriber.close)
            client = AsyncClient(self._place.endpoint, timeout_s=_TIMEOUT_S, credentials=self._place.credentials)
            stack.push_async_callback(client.aclose)
            join = LogJoin(self._watcher, self._pid)
            self._take(await self._snapshot(client, join), tell)
            while True:
                _, fields = await subscriber.message()
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    self._take(join.follow(fields), tell)

    async def _snapshot(self, client: AsyncClient, join: LogJoin) -> Sequence[LogRecord]:
        try:
            reply = await client.call("logs", name=self._watcher, pid=self._pid, limit=LINES)
        except (CallError, CommandError) as error:
            self.trouble = str(error)
            return ()
        return join.snapshot(reply["lines"])

    def _take(self, records: Sequence[LogRecord], tell: Callable[[], None]) -> None:
        self.lines.extend(records)
        tell()
