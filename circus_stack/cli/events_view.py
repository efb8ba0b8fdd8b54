"""Shows what happens in a running stack while a command waits for its end: events from the wire, told as by `serve`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import click

from circus_stack.cli.progress import Progress
from circus_stack.cli.style import Style
from circus_stack.cli.target import Target
from circus_stack.cli.voice import Voice, form_for_people
from circus_stack.client.call import TIMEOUT_S
from circus_stack.client.liveness import is_alive
from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client
from circus_stack.errors import CallError
from circus_stack.protocol.frames import parse_event
from circus_stack.protocol.reply import Reply
from circus_stack.protocol.topics import EVENTS

# Between two looks at the one socket while waiting at the other.
_PAUSE_S = 0.05
_JOIN_S = 2.0
# Events that were published before a reply may come after it, by another connection.
_LATE_S = 0.1


class EventsView:
    """Prints events as lines on stdout. Joined to the publisher when made, so that none of what follows is missed."""

    def __init__(self, target: Target, client: Client, style: Style) -> None:
        self._target = target
        self._subscriber = Subscriber(target.pubsub_endpoint(TIMEOUT_S), [f"{EVENTS}."], credentials=target.credentials)
        # A Circus doesn't tell when it knows of a subscriber: its first events may then be missed.
        self._subscriber.join(_JOIN_S)
        voice = Voice(click.echo, form_for_people("circus-stack", style))
        self._progress = Progress(voice, watchers={}, began=time.time(), names=_names(client))

    def show(self, wait_s: float) -> None:
        """Print what comes within `wait_s` seconds, and return when nothing has come for so long."""
        while (message := self._subscriber.receive(wait_s)) is not None:
            event = parse_event(*message)
            if event is not None:
                self._progress.handle(event)

    def wait_reply(self, client: Client, command: str, properties: Mapping[str, Any]) -> Reply:
        """Send a command and show events until its reply is there. Raises CallError if the arbiter is gone."""
        id = client.begin(command, properties)
        while (reply := client.reply(id, _PAUSE_S)) is None:
            self.show(0)
            if not self.is_stack_alive():
                raise CallError(f"the arbiter ended before it answered {command!r}")
        self.show(_LATE_S)
        return reply

    def is_stack_alive(self) -> bool:
        """Whether the arbiter lives; of one that was only named by its endpoint, it is believed."""
        return self._target.stack is None or is_alive(self._target.stack.paths)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._subscriber.close()


def _names(client: Client) -> dict[int, str]:
    """`web.1` by pid, for the processes that run already."""
    watchers = client.call("status", extended=True).get("watchers", {})
    return {
        process["pid"]: f"{name}.{process['wid']}"
        for name, watcher in watchers.items()
        for process in watcher["processes"]
    }
