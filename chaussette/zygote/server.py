"""The zygote's life: load, warm up, refuse what cannot be forked, fork when asked to; and a worker's, from its fork."""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
import traceback
import warnings
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from errno import EMFILE
from typing import TYPE_CHECKING, NoReturn

from chaussette import server
from chaussette.arguments import build_parser, settings_from
from chaussette.backends.base import Backend
from chaussette.errors import EXIT_LOAD, AppLoadError, ChaussetteError, report
from chaussette.gate_fds import from_environ as gate_of
from chaussette.hooks import load_hook
from chaussette.notify import Notifier
from chaussette.quota import with_environ
from chaussette.scoreboard.slot import from_environ as slot_of
from chaussette.settings import Settings
from chaussette.warmup import warm_up
from chaussette.zygote import newborn
from chaussette.zygote.control import Control, close_all
from chaussette.zygote.forking import fork_all
from chaussette.zygote.leftovers import advice, foreign_threads, leftovers
from chaussette.zygote.messages import Birth, Forked, Ready, Refused

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("chaussette")
_STANDARD = (0, 1, 2)


@dataclass(frozen=True)
class Loaded:
    """All that a worker needs and that does not have to be made anew: the backend, its library prepared; the
    application; what the command line said; `environ` as it was before anything was taken out of it."""

    backend: type[Backend]
    app: WSGIApplication
    settings: Settings
    namespace: Namespace
    label: str
    environ: Mapping[str, str]


def run(
    control: Control,
    settings: Settings,
    namespace: Namespace,
    load: Callable[[], WSGIApplication],
    environ: Mapping[str, str],
) -> int:
    """Be the zygote; its exit status. Workers never return from here."""
    began = time.monotonic()
    try:
        loaded = _load(settings, namespace, load, environ)
        _check(control)
    except ChaussetteError as error:
        control.send(Refused(str(error)))
        return report(error)
    except Exception as error:
        control.send(Refused(f"{type(error).__name__}: {error}"))
        raise
    server.set_title(f"chaussette zygote: {loaded.label} [{loaded.backend.name}]")
    log.info("Application %s is loaded; workers are forked from here", loaded.label)
    # What is there now is there for good: a collection in a worker must not touch it, and so copy it.
    gc.collect()
    gc.freeze()
    control.send(Ready(time.monotonic() - began))
    return _breed(control, loaded)


def _load(
    settings: Settings, namespace: Namespace, load: Callable[[], WSGIApplication], environ: Mapping[str, str]
) -> Loaded:
    backend = server.prepared_backend(settings)
    app = load()
    warm_up(app, settings.warmup)
    if settings.before_fork:
        _call_hook("--before-fork", settings.before_fork, namespace)
    backend.before_fork()
    newborn.prime_randomness()
    return Loaded(backend, app, settings, namespace, namespace.application, environ)


def _call_hook(option: str, name: str, namespace: Namespace) -> None:
    load_hook(option, name)(namespace)


def _check(control: Control) -> None:
    found = leftovers({*_STANDARD, control.fileno()})
    if found:
        raise AppLoadError(advice(found))
    others = foreign_threads()
    if others:
        # Python says so at each fork, too.
        warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
        log.warning("Threads of libraries run that no worker will have: %s", ", ".join(sorted(set(others))))


def _breed(control: Control, loaded: Loaded) -> int:
    while True:
        try:
            request = control.receive()
        except ValueError as error:
            log.error("The supervisor said what a zygote does not understand: %s", error)
            return EXIT_LOAD
        if request is None:
            # Nothing was served from here: what the application has for its end is for the workers.
            os._exit(0)
        fork, received = request
        if received is None:
            control.send(Forked((), EMFILE, fork.number))
            continue
        outcome = fork_all(len(fork.births))
        if isinstance(outcome, int):
            _live(loaded, fork.births[outcome], received, control)
        close_all(received)
        pids, errno = outcome
        control.send(Forked(tuple(pids), errno, fork.number))


# -- a worker -----------------------------------------------------------------------------------------------------


def _live(loaded: Loaded, birth: Birth, received: list[int], control: Control) -> NoReturn:
    status = EXIT_LOAD
    try:
        numbers = newborn.settle(birth, received, control)
        status = _serve(loaded, birth, numbers)
    except ChaussetteError as error:
        status = report(error)
    except KeyboardInterrupt:
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 0 if error.code is None else EXIT_LOAD
    except BaseException:
        traceback.print_exc()
    finally:
        newborn.leave(status)


def _serve(loaded: Loaded, birth: Birth, numbers: Mapping[int, int]) -> int:
    newborn.change_environment(birth.changes, numbers)
    newborn.renew_randomness()
    loaded.backend.after_fork()
    notifier = Notifier.from_environ(os.environ)
    slot, gate = slot_of(os.environ, numbers), gate_of(os.environ, numbers)
    settings, namespace = _told(loaded, birth)
    settings = replace(settings, fd=tuple(numbers.get(fd, fd) for fd in settings.fd))
    namespace.fd = list(settings.fd)
    if settings.after_fork:
        _call_hook("--after-fork", settings.after_fork, namespace)
    server.serve(
        settings,
        lambda: loaded.app,
        loaded.label,
        namespace,
        notifier,
        backend=loaded.backend,
        slot=slot,
        gate=gate,
    )
    return 0


def _told(loaded: Loaded, birth: Birth) -> tuple[Settings, Namespace]:
    """What the worker's own command line says, where it is another one: its socket may be."""
    own = sys.argv[1:]
    words = list(birth.argv[len(birth.argv) - len(own) :])
    if words == own:
        return loaded.settings, loaded.namespace
    namespace = build_parser().parse_args(words)
    return with_environ(settings_from(namespace), dict(loaded.environ)), namespace
