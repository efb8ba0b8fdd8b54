"""The servers that can take part, as declarations: what is installed for them, and the command that starts them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

# What all contestants serve: `app` of a module of this name in the directory of the run.
TARGET = "bench_target"
# The same queue for all that can be told: gunicorn's default.
BACKLOG = 2048
_INI = f"""[server:main]
use = egg:circus-stack
app = {TARGET}:app
listen = 127.0.0.1:{{port}}
backlog = {BACKLOG}
backend = {{backend}}
workers = {{workers}}
preload = {{preload}}
exclusive = {{exclusive}}
log_level = error

[watcher:web]
max_failures = 1

[circus]
# An application that does not start is told at once.
exit_on_failed = true
# The others have no statistics and no console beside their workers.
statsd = false
httpd = false
"""
_BJOERN = """
import os, bjoern
from {target} import app
socket = bjoern.listen(app, "127.0.0.1", {port}, listen_backlog={backlog})
for _ in range({workers} - 1):
    if not os.fork():
        break
bjoern.server_run(socket, app)
"""


class Seat(Struct, frozen=True):
    """Where a contestant runs: its port of 127.0.0.1, a directory of its own, the programs of its environment."""

    port: int
    workers: int
    home: Path
    programs: Path


class Contestant(Struct, frozen=True):
    """`requirements`: of its own environment; none for ours, which run in the environment of the suite.
    `distributions`: whose versions are recorded. `argv` may write files into the seat's home. `is_default`: taken where
    nobody chooses. `reload`: has it, by its first pid, replace its workers while it serves, and may return before that
    is done; None where it can't. `beside`: processes that it has beside its workers; None for one process in all."""

    name: str
    help: str
    distributions: tuple[str, ...]
    argv: Callable[[Seat], list[str]]
    requirements: tuple[str, ...] = ()
    is_default: bool = True
    reload: Callable[[int], None] | None = None
    beside: int | None = 1

    def processes(self, workers: int) -> int:
        """How many it has at least when all of its workers are there."""
        return 1 if self.beside is None else workers + self.beside


def _hang_up(pid: int) -> None:
    os.kill(pid, signal.SIGHUP)


def _ours(backend: str, *distributions: str, preload: bool = False, is_default: bool = True) -> Contestant:
    how = "forked from a zygote" if preload else "each started by itself"
    text = f"circus-stack serve, backend {backend}, workers {how}"
    argv = _argv_of(backend, preload=preload)
    name = f"{backend}+preload" if preload else backend
    return Contestant(name, text, ("circus-stack", *distributions), argv, is_default=is_default, reload=_hang_up)


def _plain(backend: str, *distributions: str) -> Contestant:
    text = f"circus-stack serve, backend {backend}, preload, a connection wakes all workers that wait"
    argv = _argv_of(backend, preload=True, exclusive=False)
    return Contestant(
        f"{backend}+plain", text, ("circus-stack", *distributions), argv, is_default=False, reload=_hang_up
    )


def _argv_of(backend: str, *, preload: bool, exclusive: bool = True) -> Callable[[Seat], list[str]]:
    def argv(seat: Seat) -> list[str]:
        ini = seat.home / "bench.ini"
        given = {"preload": str(preload).lower(), "exclusive": str(exclusive).lower()}
        ini.write_text(_INI.format(port=seat.port, backend=backend, workers=seat.workers, **given))
        return [str(Path(sys.executable).with_name("circus-stack")), "serve", str(ini)]

    return argv


def _gunicorn(kind: str, *options: str, preload: bool = False, is_default: bool = True) -> Contestant:
    if preload:
        options = ("--preload", *options)

    def argv(seat: Seat) -> list[str]:
        if preload and kind == "gevent":
            # Its worker patches too late for an application that is there already.
            (seat.home / "gunicorn.conf.py").write_text("from gevent import monkey\n\nmonkey.patch_all()\n")
        words = ["-k", kind, "-w", str(seat.workers), "-b", f"127.0.0.1:{seat.port}", "--backlog", str(BACKLOG)]
        return [str(seat.programs / "gunicorn"), *words, *options, f"{TARGET}:app"]

    of_kind = ("gevent",) if kind == "gevent" else ()
    return Contestant(
        f"gunicorn-{kind}{'+preload' if preload else ''}",
        " ".join(["gunicorn -k", kind, *options]),
        ("gunicorn", *of_kind),
        argv,
        ("gunicorn[gevent]>=23" if of_kind else "gunicorn>=23",),
        is_default,
        # Its manual: a master that has loaded the application beforehand does not load it again.
        None if preload else _hang_up,
    )


def _uwsgi(seat: Seat) -> list[str]:
    # Its --http11-socket keeps a worker for one connection alone until that ends: others starve.
    words = ["--http", f"127.0.0.1:{seat.port}", "--http-keepalive", "--listen", str(min(BACKLOG, _most_backlog()))]
    words += ["--master", "--processes", str(seat.workers), "--need-app"]
    words += ["--disable-logging", "--die-on-term", "--pythonpath", str(seat.home), "--module", f"{TARGET}:app"]
    return [str(seat.programs / "uwsgi"), *words]


def _most_backlog() -> int:
    """uWSGI refuses to start where it asks for more than the kernel grants; the others are given what there is."""
    try:
        return int(Path("/proc/sys/net/core/somaxconn").read_text())
    except (OSError, ValueError):
        return BACKLOG


def _granian(seat: Seat) -> list[str]:
    words = ["--interface", "wsgi", "--workers", str(seat.workers), "--host", "127.0.0.1", "--port", str(seat.port)]
    return [str(seat.programs / "granian"), *words, "--backlog", str(BACKLOG), f"{TARGET}:app"]


def _waitress(seat: Seat) -> list[str]:
    words = ["--listen", f"127.0.0.1:{seat.port}", "--backlog", str(BACKLOG)]
    return [str(seat.programs / "waitress-serve"), *words, f"{TARGET}:app"]


def _bjoern(seat: Seat) -> list[str]:
    text = _BJOERN.format(target=TARGET, port=seat.port, workers=seat.workers, backlog=BACKLOG)
    return [str(seat.programs / "python"), "-c", text]


# Each with the distributions that its figures depend on.
_BACKENDS = (
    ("fastgevent", "gevent", "httptools"),
    ("gevent", "gevent"),
    ("waitress", "waitress"),
    ("meinheld", "meinheld"),
    ("bjoern", "bjoern"),
    ("eventlet", "eventlet"),
    ("wsgiref",),
)
_FOREMOST = ("fastgevent", "gevent", "waitress", "meinheld")
CONTESTANTS: Mapping[str, Contestant] = {
    each.name: each
    for each in (
        *(_ours(*each, is_default=each[0] in _FOREMOST) for each in _BACKENDS),
        *(_ours(*each, preload=True, is_default=False) for each in _BACKENDS),
        _plain("fastgevent", "gevent", "httptools"),
        _plain("gevent", "gevent"),
        _gunicorn("gevent"),
        _gunicorn("sync"),
        _gunicorn("gthread", "--threads", "4", is_default=False),
        _gunicorn("gevent", preload=True, is_default=False),
        _gunicorn("sync", preload=True, is_default=False),
        Contestant(
            "uwsgi",
            "uWSGI with its own HTTP router, a master, the application loaded before its workers fork",
            ("pyuwsgi",),
            _uwsgi,
            ("pyuwsgi>=2.0.28",),
            reload=_hang_up,
        ),
        Contestant(
            "granian", "granian, WSGI, its default threads", ("granian",), _granian, ("granian>=2",), reload=_hang_up
        ),
        Contestant(
            "waitress-serve",
            "waitress alone, its default threads",
            ("waitress",),
            _waitress,
            ("waitress>=3",),
            False,
            beside=None,
        ),
        Contestant("bjoern-alone", "bjoern without a manager", ("bjoern",), _bjoern, ("bjoern>=3.2.2",), beside=0),
    )
}


def reloadable() -> tuple[str, ...]:
    """The names of those that can replace their workers while they serve."""
    return tuple(each.name for each in CONTESTANTS.values() if each.reload is not None)


def defaults() -> tuple[str, ...]:
    """The names of those that are taken where nobody chooses."""
    return tuple(each.name for each in CONTESTANTS.values() if each.is_default)
