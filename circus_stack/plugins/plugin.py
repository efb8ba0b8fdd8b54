"""The base class of plugins: what a class written for Circus's own finds here. What a plugin does is its own affair."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from circus_stack.client.aio_subscriber import AsyncSubscriber
from circus_stack.client.call import timeout_error
from circus_stack.client.credentials import Credentials
from circus_stack.client.sync import Client
from circus_stack.errors import CallError
from circus_stack.literals import parse_bool
from circus_stack.plugins.event_loop import EventLoop
from circus_stack.plugins.stopping import CallGivenUpError
from circus_stack.protocol.codec import decode
from circus_stack.protocol.reply import Reply
from circus_stack.protocol.topics import EVENTS

log = logging.getLogger(__name__)

# What `call` waits for a reply; with `waiting` the reply comes when the operation is done, a graceful stop included.
CALL_TIMEOUT_S = 10.0
WAITING_TIMEOUT_S = 120.0
# How long a call goes on after the plugin was asked to stop, at most.
_SLICE_S = 0.2
# A publisher of ours tells in milliseconds that it knows the subscription; Circus's never does.
_JOIN_TIMEOUT_S = 1.0


class CircusPlugin:
    """A program beside the arbiter that hears of every event and gives commands. A subclass gives itself a `name`.

    `config` are the keys of its section, as text. `endpoint` and `pubsub_endpoint` are the arbiter's; the connections
    are made when they are needed, and made again by themselves where the arbiter is restarted. `active = false` in the
    configuration means that it is not to be started. `credentials` are for endpoints that ask for a key; whoever makes
    the plugin sets them before it is started.
    """

    name = ""

    def __init__(
        self, endpoint: str, pubsub_endpoint: str, check_delay: float, ssh_server: str | None = None, **config: Any
    ) -> None:
        self.endpoint = endpoint
        self.pubsub_endpoint = pubsub_endpoint
        self.check_delay = check_delay
        self.ssh_server = ssh_server
        self.config = config
        self.active = parse_bool(str(config.get("active", True)))
        self.running = False
        self.loop = EventLoop()
        self.call_timeout_s = CALL_TIMEOUT_S
        self.credentials: Credentials | None = None
        self.__client: Client | None = None
        self.__calling = threading.Lock()
        self.__interrupted = threading.Event()
        self.__subscriber: AsyncSubscriber | None = None

    # -- to override ------------------------------------------------------------------------------------------

    def handle_init(self) -> object:
        """Called once, before the loop runs; timers may be started here, and commands be given."""

    def handle_join(self) -> object:
        """Called when no later event can be missed: at the start, and each time that the arbiter came back.

        A plugin that keeps account of watchers or processes asks for them here.
        """

    def handle_recv(self, data: Sequence[bytes]) -> object:
        """Called with the topic and the JSON of each event. A coroutine function will do."""
        raise NotImplementedError(f"{type(self).__name__} has no handle_recv(data)")

    def handle_stop(self) -> object:
        """Called once, before the loop ends."""

    # -- for use ----------------------------------------------------------------------------------------------

    def call(self, command: str, **props: Any) -> Reply:
        """Give the arbiter a command and wait for the reply, which may be one of an error: see its `status`.

        May be called from any thread. Raises CallError where no reply comes within `call_timeout_s`, 120 s with
        `waiting`, or once the plugin is asked to stop.
        """
        limit = max(self.call_timeout_s, WAITING_TIMEOUT_S) if props.get("waiting") else self.call_timeout_s
        with self.__calling:
            try:
                return self.__ask(self.__connected(), command, props, limit)
            except CallError:
                # What still waits to be sent must not reach an arbiter that comes back later.
                self.__disconnect()
                raise

    def cast(self, command: str, **props: Any) -> None:
        """Give the arbiter a command that has no reply, and go on."""
        with self.__calling:
            self.__connected().cast(command, **props)

    @staticmethod
    def split_data(data: Sequence[bytes]) -> tuple[str, str, bytes]:
        """Watcher (as topics spell it: lower case, no blanks), event, JSON."""
        topic, message = data
        text = topic.decode("utf-8", "replace") if isinstance(topic, bytes) else str(topic)
        name, _, event = text.partition(".")[2].rpartition(".")
        return name, event, message

    @staticmethod
    def load_message(msg: bytes) -> Any:
        """The JSON of an event as a dict. Raises ValueError."""
        return decode(msg)

    # -- from start to end ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Run until `stop`. Raises ValueError for a plugin that is not active."""
        if not self.active:
            raise ValueError(f"{self.name or type(self).__name__} is not active, so that it is not started")
        self.loop.make_current()
        try:
            self.handle_init()
            self.initialize()
            self.running = True
            self.loop.start()
        finally:
            self.__close()

    def initialize(self) -> None:
        """Subscribe to the events."""
        self.__subscriber = AsyncSubscriber(self.pubsub_endpoint, (f"{EVENTS}.",), credentials=self.credentials)
        self.loop.spawn(self.__receive(self.__subscriber), "the plugin's subscription")
        self.loop.spawn(self.__watch_joining(self.__subscriber), "the plugin's watch on its subscription")

    def stop(self) -> None:
        """End what `start` runs: `handle_stop`, then the loop. To be called in the loop; safe to call twice."""
        if not self.running:
            if not self.loop.is_running():
                self.__close()
            return
        self.running = False
        self.__interrupted.clear()
        try:
            self.handle_stop()
        finally:
            self.loop.stop()

    def request_stop(self) -> None:
        """Let the plugin end soon, from any thread or a signal handler; a call under way is given up."""
        self.__interrupted.set()
        self.loop.add_callback(self.stop)

    # Two underscores: a plugin may have any name of its own.
    # -- inside -----------------------------------------------------------------------------------------------

    def __connected(self) -> Client:
        if self.__client is None:
            self.__client = Client(self.endpoint, credentials=self.credentials)
        return self.__client

    def __disconnect(self) -> None:
        if self.__client is not None:
            self.__client.close()
            self.__client = None

    def __ask(self, client: Client, command: str, props: dict[str, Any], limit_s: float) -> Reply:
        deadline = time.monotonic() + limit_s
        id = client.begin(command, props)
        while not self.__interrupted.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                raise timeout_error(command, self.endpoint, limit_s)
            reply = client.reply(id, min(left, _SLICE_S))
            if reply is not None:
                return reply
        raise CallGivenUpError(f"the plugin was asked to stop while it waited for the reply to {command!r}")

    async def __receive(self, subscriber: AsyncSubscriber) -> None:
        while True:
            data = await subscriber.receive()
            self.loop.run(self.handle_recv, data)
            # A flood of events must not keep the timers from their turn.
            await asyncio.sleep(0)

    async def __watch_joining(self, subscriber: AsyncSubscriber) -> None:
        try:
            await asyncio.wait_for(subscriber.joined.wait(), _JOIN_TIMEOUT_S)
        except TimeoutError:
            log.debug("%s doesn't tell when it knows the subscription", self.pubsub_endpoint)
            subscriber.joined.set()
        while True:
            await subscriber.joined.wait()
            subscriber.joined.clear()
            try:
                self.handle_join()
            except CallError as error:
                # Events may be there before commands are answered: an arbiter that starts, or that is about to end.
                log.warning("%s; asked again in %g s", error, _JOIN_TIMEOUT_S)
                self.loop.call_later(_JOIN_TIMEOUT_S, subscriber.joined.set)
            except Exception:
                log.exception("handle_join failed")

    def __close(self) -> None:
        self.running = False
        self.loop.close()
        if self.__subscriber is not None:
            self.__subscriber.close()
            self.__subscriber = None
        with self.__calling:
            self.__disconnect()
