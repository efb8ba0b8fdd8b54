"""Which layers stand around the application, and in which order. What is off is not there, and costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaussette.lifecycle import Lifecycle
from chaussette.quota import counted, share_of
from chaussette.scoreboard.counting import scored
from chaussette.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def layered(app: WSGIApplication, settings: Settings, lifecycle: Lifecycle) -> WSGIApplication:
    """`app` with what `settings` ask for; the innermost comes first."""
    share = share_of(settings)
    app = counted(app, share, lambda: lifecycle.retire(f"{share} requests"))
    if lifecycle.slot is not None:
        app = scored(app, lifecycle.slot.words)
    return app
