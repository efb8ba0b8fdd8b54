"""What flags and the environment lay over a file: flags win, then PORT and WEB_CONCURRENCY, then the file; under
the file, what the environment says of programs beside the stack. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from circus_stack.config import kinds
from circus_stack.config.option import Kind
from circus_stack.config.problems import Problems

AUTO = "auto"

# Programs beside the stack that a file need not name: what stands for the option where the file is silent.
_ASIDE = {"statsd": "CIRCUS_STACK_STATSD", "httpd": "CIRCUS_STACK_HTTPD"}


class Overrides(Struct, frozen=True, kw_only=True):
    """The flags of `serve`; None or empty where one was not given. `workers` may be `auto`."""

    backend: str | None = None
    workers: int | str | None = None
    threads: int | None = None
    bind: tuple[str, ...] = ()
    preload: bool | None = None
    log_level: str | None = None
    pidfile: str | None = None


NO_OVERRIDES = Overrides()


def read_workers(overrides: Overrides, environ: Mapping[str, str], problems: Problems) -> int | None:
    """How many workers flag or environment ask for; 0 is `auto`, None: neither says."""
    if overrides.workers is not None:
        return _parse(kinds.WORKERS, str(overrides.workers), "--workers", problems)
    if environ.get("WEB_CONCURRENCY", "").strip():
        return _parse(kinds.WORKERS, environ["WEB_CONCURRENCY"], "WEB_CONCURRENCY", problems)
    return None


def read_port(environ: Mapping[str, str], problems: Problems) -> int | None:
    """The value of PORT, or None."""
    if not environ.get("PORT", "").strip():
        return None
    return _parse(kinds.PORT, environ["PORT"], "PORT", problems)


def read_aside(environ: Mapping[str, str], problems: Problems) -> dict[str, bool]:
    """Options of `[circus]` that the environment gives another default: whether a program runs beside the stack."""
    found: dict[str, bool] = {}
    for option, name in _ASIDE.items():
        text = environ.get(name, "").strip()
        if not text:
            continue
        try:
            found[option] = kinds.BOOL.parse(text)
        except ValueError:
            problems.add(f"is not a valid {kinds.BOOL.name}", option=name, found=text, legal=kinds.BOOL.legal)
    return found


def _parse(kind: Kind, text: str, name: str, problems: Problems) -> int | None:
    try:
        number: int = kind.parse(text)
    except ValueError:
        problems.add(f"is not a valid {kind.name}", option=name, found=text, legal=kind.legal)
        return None
    return number
