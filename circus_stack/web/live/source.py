"""One subscription of the console, however many browsers hear of it: begun with the first of them, made again where the
publisher is lost. A greenlet under gevent, a thread elsewhere."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from circus_stack.client.credentials import Credentials
from circus_stack.client.subscriber import Subscriber
from circus_stack.errors import CallError, CircusStackError

log = logging.getLogger(__name__)

_JOIN_S = 3.0
# Between two attempts to find a publisher that is gone.
_AGAIN_S = 1.0
# How soon the end of a subscription is heard of that nobody wants any more.
_SLICE_S = 1.0

Message = tuple[str, Mapping[str, Any]]


class Source:
    """`endpoint` finds the publisher and raises CircusStackError where there is none. `handle` is called with each
    message, `on_state` with whether the publisher is there whenever that changes, `on_joined` before that with the
    number of the newest message before those that come here, `idle` every `slice_s` seconds and after each message.
    """

    def __init__(
        self,
        endpoint: Callable[[], str],
        topics: Sequence[str],
        credentials: Credentials | None,
        *,
        handle: Callable[[str, Mapping[str, Any]], None],
        on_state: Callable[[bool], None] = lambda _is_up: None,
        on_joined: Callable[[int], None] = lambda _seq: None,
        idle: Callable[[], None] = lambda: None,
        slice_s: float = _SLICE_S,
    ) -> None:
        self._endpoint = endpoint
        self._topics = topics
        self._credentials = credentials
        self._handle = handle
        self._on_state = on_state
        self._on_joined = on_joined
        self._idle = idle
        self._slice_s = slice_s
        self._stopping = threading.Event()
        self._is_up: bool | None = None
        # Set once the publisher knows the subscription: whatever it says after that comes here.
        self.joined = threading.Event()

    def run(self) -> None:
        """Until `stop`."""
        while not self._stopping.is_set():
            try:
                self._follow()
            except CircusStackError as error:
                log.debug("%s: %s", self._topics, error)
            if not self._stopping.is_set():
                self._tell(False)
            self._stopping.wait(_AGAIN_S)

    def stop(self) -> None:
        """Let `run` return soon."""
        self._stopping.set()

    def _follow(self) -> None:
        """Hear the publisher out. Raises CallError where nobody publishes."""
        with Subscriber(self._endpoint(), self._topics, reconnects=False, credentials=self._credentials) as subscriber:
            if not subscriber.join(_JOIN_S):
                raise CallError(f"nobody publishes at {subscriber.endpoint}")
            if subscriber.joined_after is not None:
                self._on_joined(subscriber.joined_after)
            self.joined.set()
            self._tell(True)
            while not self._stopping.is_set():
                message = subscriber.receive(self._slice_s)
                if message is not None:
                    self._handle(*message)
                elif subscriber.has_ended:
                    return
                self._idle()

    def _tell(self, is_up: bool) -> None:
        if is_up is not self._is_up:
            self._is_up = is_up
            self._on_state(is_up)
