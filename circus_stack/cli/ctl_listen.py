"""`circusctl listen`: prints events as they are published, until it is interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from circus_stack.cli.ctl_commands import build_other
from circus_stack.cli.ctl_flags import session_with
from circus_stack.cli.ctl_words import complete_topics
from circus_stack.client.subscriber import Subscriber
from circus_stack.protocol.codec import encode

_HELP = """Print events as they happen, one a line: `topic: json`. Ctrl-C ends it.

A TOPIC is the beginning of what to listen to; without one, everything is printed. --endpoint is here the endpoint of
the events, as with Circus.

\b
Example:
  circusctl listen watcher.web."""


def _listen(words: Sequence[str], **options: Any) -> None:
    context = click.get_current_context()
    session = session_with(context, options)
    published = session.reach.events()
    with Subscriber(published.endpoint, words or ("",), credentials=published.credentials) as subscriber:
        for topic, message in subscriber:
            session.say(f"{topic}: {encode(message).decode()}")


listen = build_other(_listen, "listen", _HELP, "[TOPIC]...", shell_complete=complete_topics)
