"""Notes: a small notice board. This file is its composition root: settings and environment in, WSGI app out.

Nothing is connected while the app is being built, so that it starts (or is forked from a process that has
loaded it) whether or not Redis and the search service are up.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.csrf import CookieCSRFStoragePolicy

from notes.board import Board
from notes.connection import connect
from notes.settings import Settings, read_settings
from notes.solr import SolrIndex
from notes.store import NoteStore

TEMPLATE_SETTINGS = {"jinja2.trim_blocks": "true", "jinja2.lstrip_blocks": "true"}


def main(_global_config: Mapping[str, str], **settings: str) -> Any:
    """The `paste.app_factory`: the WSGI application for the options of an `[app:...]` section.

    `REDIS_URL` and `SOLR_URL` of the environment win over `redis.url` and `solr.url` of the section, since
    the stack that starts Redis and Solr knows best where they are. ValueError for a URL that is none.
    """
    return build(read_settings(settings, os.environ), settings)


def build(chosen: Settings, pyramid_settings: Mapping[str, str]) -> Any:
    """The WSGI application on the services that `chosen` names."""
    # pysolr logs a traceback for every refused connection; notes.solr says the same in one line.
    logging.getLogger("pysolr").setLevel(logging.CRITICAL)
    index = SolrIndex(chosen.solr_url) if chosen.solr_url else None
    board = Board(NoteStore(connect(chosen.redis_url)), index)
    config = Configurator(settings={**TEMPLATE_SETTINGS, **pyramid_settings})
    config.add_request_method(lambda _request: board, "board", property=True)
    config.set_csrf_storage_policy(CookieCSRFStoragePolicy(cookie_name="notes_csrf", httponly=True))
    config.set_default_csrf_options(require_csrf=True)
    config.include("pyramid_jinja2")
    config.include("notes.routes")
    return config.make_wsgi_app()
