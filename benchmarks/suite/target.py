"""The module that all contestants import: the suite's application, or the user's own behind the same two names."""

from __future__ import annotations

import os
from pathlib import Path

from .contestant import TARGET

BUILT_IN = "built-in"
_MAKE = """

def make(_global_conf, **_settings):
    return app
"""


class AppError(Exception):
    """What was given as --app names no application."""


def write_target(app: str, home: Path) -> None:
    """Write it into `home`. `app`: BUILT_IN, module:name, or an ini file of PasteDeploy. AppError for what is none."""
    (home / f"{TARGET}.py").write_text(_source(app))


def _source(app: str) -> str:
    if app == BUILT_IN:
        return Path(__file__).with_name("served.py").read_text()
    if app.endswith(".ini"):
        if not Path(app).is_file():
            raise AppError(f"{app}: no such file")
        place = os.path.abspath(app)  # noqa: PTH100 - resolve() would leave a link that a deployment moves
        return f"from paste.deploy import loadapp\n\napp = loadapp({'config:' + place!r})\n{_MAKE}"
    module, _, name = app.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), name or "app"]):
        raise AppError(f"{app}: is neither MODULE:NAME nor an ini file")
    return f"from {module} import {name or 'app'} as app\n{_MAKE}"
