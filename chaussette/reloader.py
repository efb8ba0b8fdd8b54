"""`--use-reloader`: a parent that keeps the listening socket, and starts the worker anew when a source file changes.

A connection that comes in meanwhile waits in the accept queue: nothing is refused while the worker restarts.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chaussette.application import INI_SCHEMES, is_ini
from chaussette.arguments import command_line
from chaussette.errors import UsageError
from chaussette.server import open_listeners
from chaussette.settings import Settings
from chaussette.sockets import Listener, closing_listeners

log = logging.getLogger("chaussette")
SUFFIXES = (".py", ".ini", ".toml", ".mako", ".pt", ".jinja2")
# A worker that has not ended this long after its own graceful timeout is killed.
MARGIN_S = 2.0


def run_reloader(settings: Settings, namespace: Namespace) -> int:
    """Run workers until SIGTERM or SIGINT; returns 0."""
    watch = _import_watch()
    listeners = open_listeners(settings)
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    with closing_listeners(listeners):
        argv = worker_argv(settings, namespace, listeners)
        worker = start_worker(argv, listeners)
        try:
            for changes in watch(*watched_directories(namespace.application, settings), watch_filter=is_source,
                                 stop_event=stop, raise_interrupt=False):  # fmt: skip
                names = sorted({str(Path(path)) for _, path in changes})
                log.info("%s changed: starting the worker anew", ", ".join(names[:3]))
                stop_worker(worker, settings.graceful_timeout)
                worker = start_worker(argv, listeners)
        finally:
            stop_worker(worker, settings.graceful_timeout)
    return 0


def worker_argv(settings: Settings, namespace: Namespace, listeners: Sequence[Listener]) -> list[str]:
    """The command line of a worker on the sockets of `listeners`."""
    fds = tuple(listener.sock.fileno() for listener in listeners)
    # Nobody starts the worker anew but for a change of a file.
    own = replace(settings, fd=fds, host=None, port=None, max_requests=None, max_requests_jitter=None)
    if own.multiprocess is None:
        own = replace(own, multiprocess=bool(settings.fd))
    return [
        sys.executable, "-m", "chaussette", *command_line(own), "--", namespace.application, *namespace.arguments,
    ]  # fmt: skip


def start_worker(argv: Sequence[str], listeners: Sequence[Listener]) -> subprocess.Popen[bytes]:
    """Start a worker that inherits the sockets, and what a supervisor has left to us: its environment names that by
    number. It shares our process group: a Ctrl-C reaches both."""
    for listener in listeners:
        listener.sock.set_inheritable(True)
    return subprocess.Popen(argv, close_fds=False)


def stop_worker(worker: subprocess.Popen[bytes], graceful_timeout_s: float) -> None:
    """SIGTERM, then SIGKILL to a worker that does not end in time; always reaped."""
    with contextlib.suppress(ProcessLookupError):
        worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(graceful_timeout_s + MARGIN_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def watched_directories(application: str, settings: Settings) -> list[Path]:
    """The current directory, those of --python-path, and the one that the ini lies in."""
    found = [Path.cwd(), *(Path(each) for each in settings.python_path.split(":") if each)]
    if is_ini(application):
        scheme = next(each for each in INI_SCHEMES if application.startswith(each))
        found.append(Path(application.removeprefix(scheme).partition("#")[0].partition("?")[0]).absolute().parent)
    return sorted({each.resolve() for each in found if each.is_dir()})


def is_source(_change: object, path: str) -> bool:
    """Whether a changed file can change the application."""
    parts = Path(path).parts
    return path.endswith(SUFFIXES) and not any(
        part in ("__pycache__", "node_modules") or (part.startswith(".") and part != os.curdir) for part in parts
    )


def _import_watch() -> Callable[..., Iterator[set[tuple[Any, str]]]]:
    try:
        from watchfiles import watch
    except ImportError:
        raise UsageError("--use-reloader needs watchfiles; install it with: pip install watchfiles") from None
    return watch
