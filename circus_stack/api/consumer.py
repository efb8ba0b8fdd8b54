"""The events of an arbiter, one after another, by Circus's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from circus_stack.api.conversions import DEFAULT_ENDPOINT_SUB, to_str
from circus_stack.api.reach import Reach
from circus_stack.client.credentials import read_credentials
from circus_stack.client.subscriber import Message, Subscriber
from circus_stack.protocol.codec import encode


class CircusConsumer:
    """Subscribes to topics by their beginnings and iterates over (topic, JSON), both bytes, until `stop`.

    `timeout` is how many seconds `stop` in another thread may take to be seen. `key` and `server_key` are as for a
    client.
    """

    def __init__(
        self,
        topics: Iterable[str | bytes],
        context: Any = None,
        endpoint: str = DEFAULT_ENDPOINT_SUB,
        ssh_server: str | None = None,
        timeout: float = 1.0,
        *,
        key: str | None = None,
        server_key: str | None = None,
    ) -> None:
        self.topics = [to_str(topic) for topic in topics]
        self.endpoint = endpoint
        self.timeout = timeout
        self._is_stopped = False
        self._reach = Reach(endpoint, ssh_server)
        self._subscriber = Subscriber(
            self._reach.endpoint,
            self.topics,
            context=self._context(context),
            credentials=read_credentials(key, server_key) if key else None,
        )

    @staticmethod
    def _context(given: Any) -> Any:
        """The ZeroMQ context, None for one of its own; another kind of program overrides it."""
        return given

    def __iter__(self) -> Iterator[Any]:
        return self.iter_messages()

    def iter_messages(self) -> Iterator[Any]:
        """(topic, JSON) of each message; the subscription is closed at the end."""
        for topic, message in self._messages():
            yield topic.encode(), encode(message)

    def _messages(self) -> Iterator[Message]:
        try:
            while not self._is_stopped:
                message = self._subscriber.receive(self.timeout)
                if message is not None:
                    yield message
        finally:
            self._close()

    def stop(self) -> None:
        """End the iteration, wherever it is."""
        self._is_stopped = True

    def _close(self) -> None:
        self._subscriber.close()
        self._reach.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._close()
