"""The application that `circushttpd` has chaussette serve. Importing it opens the files of the console and listens to
the events of the stack; nothing is asked of it until somebody asks us."""

from __future__ import annotations

import gc
import os
from pathlib import Path

from circus_stack.client.credentials import credentials_of
from circus_stack.web.access.doors import open_doors
from circus_stack.web.api.events import EventsResource
from circus_stack.web.api.resources import stack_routes
from circus_stack.web.app import make_app
from circus_stack.web.live.channel import PATH, LiveChannel
from circus_stack.web.pages import STATIC, Pages
from circus_stack.web.settings import from_environ
from circus_stack.web.stack.stack import Stack

_settings = from_environ(os.environ)
_credentials = credentials_of(os.environ, _settings.key, _settings.server_key) if _settings.key else None
_doors = open_doors(Path(_settings.directory))
_stack = Stack(_settings.endpoint, _credentials)
_live = LiveChannel(_stack, _doors)
_live.begin()
application = make_app(
    _settings,
    _doors,
    routes=[*stack_routes(_stack), *EventsResource(_live.events_since).routes()],
    mounts=[(PATH, _live.app), ("/", Pages(STATIC))],
)
# What is imported stays. Counted in, it keeps the collector from looking for garbage until a quarter as much has come.
gc.collect()
gc.freeze()
