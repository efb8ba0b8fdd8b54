"""What the ROUTER of circusd-stats answers: snapshot, history, series, metrics. A request in, a reply out, mostly at
once; touches no socket."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from circus_stack.errors import CommandError, Errno
from circus_stack.protocol.reply import error_reply, ok_reply
from circus_stack.protocol.request import BadRequestError, Request, parse_request
from circus_stack.stats.metrics.asked import Tell

Fields = dict[str, Any]
Handler = Callable[[Mapping[str, Any]], Fields]

_METRICS = "metrics"
# A span that is longer than the longest ring shows what there is.
_MOST_S = 10 * 365 * 86400.0


class Answers:
    """`snapshot()` is the newest of everything; `read(name, since, until)` a piece of history, None where there is
    none, and `read_process(watcher, pid, since, until)` that of one process; `names()` those that have one;
    `page(accept, tell)` has the page of metrics told."""

    def __init__(
        self,
        *,
        snapshot: Callable[[], Fields],
        read: Callable[[str, float, float], Fields] | None,
        read_process: Callable[[str, int, float, float], Mapping[str, Any]] | None = None,
        names: Callable[[], list[str]],
        page: Callable[[str, Tell], None] | None = None,
        epoch: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self._read_process = read_process
        self._page = page
        self._epoch = epoch
        self._handlers: dict[str, Handler] = {
            "snapshot": lambda _: snapshot(),
            "series": lambda _: {"series": names()},
            "history": self._history,
        }

    def answer(self, frames: list[bytes], send: Callable[[bytes], object]) -> None:
        """Have the reply to a message sent, now or once it is made; a cast has none."""
        try:
            if len(frames) != 1:
                raise BadRequestError(f"message invalid: one frame is expected, found {len(frames)}")
            request = parse_request(frames[0])
        except BadRequestError as error:
            send(error_reply(error.id, str(error), error.errno, self._epoch()))
            return
        if request.is_cast:
            return

        def tell(found: Fields | CommandError) -> None:
            send(self._reply(request.id, found))

        try:
            if request.command == _METRICS:
                self._ask_page(request.properties, tell)
            else:
                tell(self._find(request))
        except CommandError as error:
            tell(error)

    def _reply(self, id: object, found: Fields | CommandError) -> bytes:
        if isinstance(found, CommandError):
            return error_reply(id, str(found), found.errno, self._epoch())
        return ok_reply(id, found, self._epoch())

    def _find(self, request: Request) -> Fields:
        handler = self._handlers.get(request.command)
        if handler is None:
            legal = ", ".join(sorted([*self._handlers, _METRICS]))
            raise CommandError(f"unknown command: {request.command!r}; legal: {legal}", Errno.UNKNOWN_COMMAND)
        return handler(request.properties)

    def _ask_page(self, properties: Mapping[str, Any], tell: Tell) -> None:
        accept = properties.get("accept", "")
        if not isinstance(accept, str):
            raise CommandError(f"accept: a text is expected, found {accept!r}", Errno.MESSAGE_ERROR)
        if self._page is None:
            raise CommandError("there is no page of metrics", Errno.COMMAND_ERROR)
        self._page(accept, tell)

    def _history(self, properties: Mapping[str, Any]) -> Fields:
        name, since_s = properties.get("name") or "", properties.get("since", 900)
        if not isinstance(name, str):
            raise CommandError(f"name: a text is expected, found {name!r}", Errno.MESSAGE_ERROR)
        if isinstance(since_s, bool) or not isinstance(since_s, int | float) or not 0 < since_s <= _MOST_S:
            reason = f"since: seconds are expected, more than 0 and at most {_MOST_S:g}, found {since_s!r}"
            raise CommandError(reason, Errno.MESSAGE_ERROR)
        pid = properties.get("pid")
        if pid is not None and (type(pid) is not int or pid < 1 or not name):
            reason = f"pid: the number of a process is expected, and the name of its watcher, found {pid!r}"
            raise CommandError(reason, Errno.MESSAGE_ERROR)
        now = self._epoch()
        return {"name": name, "pid": pid, **self._piece(name, pid, now - since_s, now)}

    def _piece(self, name: str, pid: int | None, since: float, until: float) -> Mapping[str, Any]:
        if pid is not None and self._read_process is not None:
            return self._read_process(name, pid, since, until)
        if pid is not None or self._read is None:
            raise CommandError("there is no history: its file could not be used", Errno.COMMAND_ERROR)
        return self._read(name, since, until)
