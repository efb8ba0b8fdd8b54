"""The `chaussette` program: reads the command line and the environment, configures logging, runs one worker."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from chaussette import logs, server
from chaussette.application import is_ini, load_application, parse_target
from chaussette.arguments import NO_BACKEND, build_parser, settings_from
from chaussette.errors import EXIT_USAGE, ChaussetteError, UsageError, report
from chaussette.gate_fds import from_environ as gate_of
from chaussette.lifecycle import spare_hangups
from chaussette.notify import Notifier
from chaussette.quota import with_environ
from chaussette.scoreboard.slot import from_environ as slot_of
from chaussette.zygote import CONTROL_VARIABLE

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from chaussette.settings import Settings
    from chaussette.zygote.control import Control

log = logging.getLogger("chaussette")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status (0 stopped, 1 load failure, 2 usage)."""
    namespace = build_parser().parse_args(argv)
    if namespace.version:
        return show_version()
    if namespace.list_backends or namespace.backend == NO_BACKEND:
        return show_backends(asked=namespace.list_backends)
    try:
        return start(namespace)
    except ChaussetteError as error:
        return report(error)
    except KeyboardInterrupt:
        return 0


def start(namespace: Namespace) -> int:
    """Be what is asked for: a worker, or the zygote that workers are forked from."""
    control = zygote_control()
    # As a supervisor set it, before anything is taken out of it: a worker begins with the same.
    environ = dict(os.environ)
    settings = with_environ(settings_from(namespace), os.environ)
    if settings.certfile and not namespace.use_reloader:
        spare_hangups()
    return run(settings, namespace) if control is None else run_zygote(control, settings, namespace, environ)


def zygote_control() -> Control | None:
    """The channel of a supervisor that wants a zygote. Raises UsageError."""
    if CONTROL_VARIABLE not in os.environ:
        return None
    from chaussette.zygote.control import Control

    return Control.from_environ(os.environ)


def run_zygote(control: Control, settings: Settings, namespace: Namespace, environ: Mapping[str, str]) -> int:
    """Load the application and fork workers on demand."""
    from chaussette.zygote import server as zygote

    if namespace.use_reloader:
        raise UsageError("--use-reloader and preload: a worker that was forked cannot load the application again")
    configure(settings)
    load = application_loader(settings, namespace.application)
    return zygote.run(control, settings, namespace, load, environ)


def configure(settings: Settings) -> None:
    """Logging, and where modules are found."""
    logs.show_lines_at_once()
    logs.configure(settings.log_level, settings.log_output)
    # What hangs, or crashes in C, shows its threads; an arbiter that has found one hanging ends it by SIGABRT.
    faulthandler.enable()
    server.extend_path(settings.python_path, str(os.getcwd()))  # noqa: PTH109 - cwd as text


def run(settings: Settings, namespace: Namespace) -> int:
    """Run the worker, or the reloader that keeps one."""
    configure(settings)
    if namespace.use_reloader:
        from chaussette.reloader import run_reloader

        return run_reloader(settings, namespace)
    notifier = Notifier.from_environ(os.environ)
    slot, gate = slot_of(os.environ), gate_of(os.environ)
    label = namespace.application
    server.serve(settings, application_loader(settings, label), label, namespace, notifier, slot=slot, gate=gate)
    return 0


def application_loader(settings: Settings, text: str) -> Callable[[], WSGIApplication]:
    """What loads the application that the command line names. A wrong name is refused before anything is bound."""
    if not is_ini(text):
        if settings.app_name or settings.paste_var:
            raise UsageError(f"--app-name and --paste-var belong to an ini, as config:app.ini; {text!r} is a module")
        target = parse_target(text)
        return lambda: load_application(target)
    from chaussette import ini

    ini_target = ini.parse_ini_target(text, settings.app_name, dict(settings.paste_var), os.environ)

    def load() -> WSGIApplication:
        ini.configure_logging(ini_target)
        return ini.load_ini_application(ini_target)

    return load


def show_version() -> int:
    """Print the version of the distribution."""
    from importlib.metadata import version

    print(f"chaussette of circus-stack {version('circus-stack')}")  # noqa: T201
    return 0


def show_backends(*, asked: bool) -> int:
    """Print each backend; `--backend` without a value is a mistake that the list answers."""
    from chaussette.backends.registry import listing

    if asked:
        print(listing())  # noqa: T201
        return 0
    print(f"chaussette: --backend needs a name\n{listing()}", file=sys.stderr)  # noqa: T201
    return EXIT_USAGE
