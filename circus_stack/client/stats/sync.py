"""The blocking client of circusd-stats. Other greenlets run meanwhile in a program that gevent has patched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

from circus_stack.client.call import TIMEOUT_S
from circus_stack.client.closing import Closing
from circus_stack.client.credentials import Credentials
from circus_stack.client.stats.questions import SERIES, SNAPSHOT, Answer, Question, about_history, about_metrics
from circus_stack.client.stats.records import History, Record, Snapshot
from circus_stack.client.stats.selection import Selection
from circus_stack.client.stats.silence import SILENCE_S, silence_error
from circus_stack.client.stats.whereabouts import Whereabouts, whereabouts_found, whereabouts_told
from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client


class StatsClient(Closing):
    """Subscriptions, snapshots and history of one stack. Not safe for threads: each thread makes its own.

    `timeout_s` is what a question waits at most. A `context` that is handed in is left open; one of `zmq.green` makes
    it fit for greenlets in a program that gevent has not patched. Raises CallError where nobody answers, where
    circusd-stats does not run, and where a key is needed.
    """

    def __init__(self, where: Whereabouts, *, timeout_s: float = TIMEOUT_S, context: Any = None) -> None:
        self.where = where
        self.timeout_s = timeout_s
        self._zmq_context = context
        self._asking: Client | None = None

    @classmethod
    def find(cls, environ: Mapping[str, str], stack: str | None = None, **options: Any) -> Self:
        """That of the running stack of this user, or of the one that is called `stack` (its name, id or ini). Raises
        CallError where there is none, or where there are several. `options` as for the class itself."""
        return cls(whereabouts_found(environ, stack), **options)

    @classmethod
    def connect(
        cls,
        endpoint: str,
        *,
        credentials: Credentials | None = None,
        timeout_s: float = TIMEOUT_S,
        context: Any = None,
    ) -> Self:
        """That of the arbiter whose command endpoint this is; it says where the statistics are. `credentials` are for
        an arbiter with keys, and are shown at all of its endpoints."""
        with Client(endpoint, timeout_s=timeout_s, context=context, credentials=credentials) as client:
            options = client.call("globaloptions")["options"]
        return cls(whereabouts_told(options, endpoint, credentials), timeout_s=timeout_s, context=context)

    def subscribe(
        self,
        watcher: str | None = None,
        *,
        pid: int | None = None,
        socket: str | None = None,
        silence_s: float = SILENCE_S,
    ) -> Subscription:
        """Records as they are published: all, or those of a watcher, a process or a socket. See `Selection`."""
        selection = Selection(watcher=watcher, pid=pid, socket=socket)
        subscriber = Subscriber(
            self.where.stats_or_refuse(),
            selection.topics(),
            context=self._zmq_context,
            credentials=self.where.credentials,
        )
        return Subscription(subscriber, selection, silence_s)

    def snapshot(self) -> Snapshot:
        """The newest of everything."""
        return self._ask(SNAPSHOT)

    def history(self, watcher: str = "", *, pid: int | None = None, since_s: float = 900.0) -> History:
        """The last `since_s` seconds of a watcher, of the stack without a name, or of one process of a watcher; at most
        1,000 points. It has no points for what nobody remembers."""
        return self._ask(about_history(watcher, pid, since_s))

    def metrics(self, accept: str = "") -> tuple[str, str]:
        """The page of metrics, in the form that `accept` (of HTTP) names, and its Content-Type. Raises CommandError
        where circusd-stats lacks the library for it."""
        return self._ask(about_metrics(accept))

    def series(self) -> tuple[str, ...]:
        """The names that have a history; an empty one is the stack."""
        return self._ask(SERIES)

    def _ask(self, question: Question[Answer]) -> Answer:
        if self._asking is None:
            self._asking = Client(
                self.where.query_or_refuse(),
                timeout_s=self.timeout_s,
                context=self._zmq_context,
                credentials=self.where.credentials,
            )
        return question.read(self._asking.call(question.command, **question.properties))

    def close(self) -> None:
        """Hang up; subscriptions are closed by themselves. Safe to call twice."""
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.close()


class Subscription(Closing):
    """Iterates over records, without an end. Where nothing that is wanted came for `silence_s` seconds, CallError."""

    def __init__(
        self,
        subscriber: Subscriber,
        selection: Selection,
        silence_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subscriber = subscriber
        self._selection = selection
        self._silence_s = silence_s
        self._clock = clock

    def join(self, timeout_s: float) -> bool:
        """Wait until the publisher knows the subscription; False for one of Circus's, which doesn't tell."""
        return self._subscriber.join(timeout_s)

    def receive(self, timeout_s: float) -> Record | None:
        """The next record; None if none came within `timeout_s` seconds."""
        deadline = self._clock() + timeout_s
        while (message := self._subscriber.receive(max(0.0, deadline - self._clock()))) is not None:
            record = self._selection.record_of(*message)
            if record is not None:
                return record
        return None

    def __iter__(self) -> Iterator[Record]:
        while True:
            record = self.receive(self._silence_s)
            if record is None:
                raise silence_error(self._subscriber.endpoint, self._silence_s)
            yield record

    def close(self) -> None:
        """End the subscription. Safe to call twice."""
        self._subscriber.close()
