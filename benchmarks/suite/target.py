"""The module that all contestants import: the suite's application, the Pyramid example, or the user's own, each behind
the same name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from . import example
from .contestant import TARGET
from .example import AppError as AppError

BUILT_IN = "built-in"
PYRAMID = "pyramid"
# Asked for by who wants to know which worker answers; a page of the application by this name cannot be seen.
WORKER_PATH = "/bench-worker"
_WORKER = f"""

import os

_served = app


def app(environ, start_response):
    if environ.get("PATH_INFO") != "{WORKER_PATH}":
        return _served(environ, start_response)
    body = b"%d" % os.getpid()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


@contextlib.contextmanager
def serving(app: str, home: Path, *, tells_worker: bool = False) -> Iterator[dict[str, str]]:
    """Until the block ends: the module stands in `home`, and what the application needs runs. Yields the environment
    that it wants. AppError for what is no application, or cannot run here. `app`: BUILT_IN, PYRAMID, module:name, or an
    ini file of PasteDeploy. `tells_worker`: WORKER_PATH answers with the pid of the worker."""
    write_target(app, home)
    if tells_worker:
        with (home / f"{TARGET}.py").open("a") as module:
            module.write(_WORKER)
    if app == PYRAMID:
        with example.with_redis(home) as environ:
            yield environ
    else:
        yield {}


def write_target(app: str, home: Path) -> None:
    """Write the module into `home`. AppError for what is no application."""
    (home / f"{TARGET}.py").write_text(_source(app))


def _source(app: str) -> str:
    if app == BUILT_IN:
        return Path(__file__).with_name("served.py").read_text()
    if app == PYRAMID:
        return "from notes import main\n\napp = main({})\n"
    if app.endswith(".ini"):
        if not Path(app).is_file():
            raise AppError(f"{app}: no such file")
        place = os.path.abspath(app)  # noqa: PTH100 - resolve() would leave a link that a deployment moves
        return f"from paste.deploy import loadapp\n\napp = loadapp({'config:' + place!r})\n"
    module, _, name = app.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), name or "app"]):
        raise AppError(f"{app}: is neither MODULE:NAME nor an ini file")
    return f"from {module} import {name or 'app'} as app\n"
