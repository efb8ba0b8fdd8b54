"""Which layers stand around the application, and in which order. What is off is not there, and costs nothing: its
module isn't even imported.

From the outside: health, which nobody counts; the scoreboard, which counts all else; proxies, so that the log tells the
client; the log, so that it tells what the limit has made of a request; the limit; the count of `max_requests`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaussette.errors import UsageError
from chaussette.lifecycle import Lifecycle
from chaussette.quota import counted, share_of
from chaussette.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from chaussette.layers.time_limit import Limit


def layered(app: WSGIApplication, settings: Settings, lifecycle: Lifecycle, limit: Limit | None) -> WSGIApplication:
    """`app` with what `settings` ask for. `limit` is how the backend interrupts a request, None where it cannot.

    Raises UsageError for what it cannot, and for a log that cannot be opened.
    """
    share = share_of(settings)
    app = counted(app, share, lambda: lifecycle.retire(f"{share} requests"))
    if settings.request_timeout:
        from chaussette.layers.time_limit import limited

        app = limited(app, settings.request_timeout, _needed(limit, settings))
    if settings.access_log:
        app = _logged(app, settings)
    if settings.trusted_proxies:
        app = _behind_proxies(app, settings)
    if lifecycle.slot is not None:
        from chaussette.scoreboard.counting import scored

        app = scored(app, lifecycle.slot.words, lifecycle.slot.generation)
    if settings.health_path:
        from chaussette.layers.health import with_health

        app = with_health(app, settings.health_path, lambda: lifecycle.should_stop)
    return app


def _logged(app: WSGIApplication, settings: Settings) -> WSGIApplication:
    from chaussette.layers.access_format import line_of
    from chaussette.layers.access_log import logged
    from chaussette.layers.line_file import LineFile

    return logged(app, line_of(settings.access_log_format), LineFile(settings.access_log).write)


def _behind_proxies(app: WSGIApplication, settings: Settings) -> WSGIApplication:
    from chaussette.layers.networks import Networks
    from chaussette.layers.proxies import behind_proxies

    trusted = Networks(settings.trusted_proxies.split(","))
    return behind_proxies(app, trusted, settings.trusted_proxy_headers.split(","))


def _needed(limit: Limit | None, settings: Settings) -> Limit:
    if limit is None:
        raise UsageError(
            f"--request-timeout: backend {settings.backend} cannot interrupt a request; "
            "gevent, fastgevent and eventlet can"
        )
    return limit
