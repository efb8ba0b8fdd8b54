"""The first lines of `serve`: what runs, and where to find it. Pure: facts in, text out."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from circus_stack.cli.style import BOLD, CYAN, DIM, Style

_EVERY_ADDRESS = frozenset({"0.0.0.0", "::", ""})
_LABEL_WIDTH = 11


class Listening(Struct, frozen=True):
    """A bound socket: host and the port that the kernel gave, or the path of a unix socket."""

    name: str
    host: str = ""
    port: int = 0
    path: str | None = None

    @property
    def url(self) -> str:
        """What to click on. A socket on every address is shown as localhost, which is one of them."""
        if self.path:
            return f"unix:{self.path}"
        host = "localhost" if self.host in _EVERY_ADDRESS else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def __str__(self) -> str:
        return f"{self.url} (on every address)" if not self.path and self.host in _EVERY_ADDRESS else self.url


class BannerInfo(Struct, frozen=True, kw_only=True):
    """`app` and `backend` are empty where there is no web watcher, `scaled` where its workers have no range; `watchers`
    are the others, as they are shown. `console` is where it is, or why there is none."""

    version: str
    pid: int
    source: str
    app: str = ""
    backend: str = ""
    workers: int = 0
    threads: int | None = None
    scaled: str = ""
    sockets: Sequence[Listening] = ()
    services: Sequence[str] = ()
    watchers: Sequence[str] = ()
    endpoint: str = ""
    console: str = ""


def banner(info: BannerInfo, style: Style) -> str:
    """Some lines, the last of them empty; plain text where `style` has no colours."""
    rows = [(label, text) for label, text in _rows(info, style) if text]
    lines = [f"  {style.paint(label.ljust(_LABEL_WIDTH), DIM)}{text}" for label, text in rows]
    head = f"{style.paint(f'circus-stack {info.version}', BOLD)}{style.paint(f', pid {info.pid}', DIM)}"
    return "\n".join((head, "", *lines, "", ""))


def banner_fields(info: BannerInfo) -> dict[str, object]:
    """The same facts for a line of JSON."""
    return {
        "version": info.version,
        "source": info.source,
        "app": info.app,
        "backend": info.backend,
        "workers": info.workers,
        "threads": info.threads,
        "sockets": {each.name: each.url for each in info.sockets},
        "services": list(info.services),
        "watchers": list(info.watchers),
        "endpoint": info.endpoint,
        "console": info.console,
    }


def _rows(info: BannerInfo, style: Style) -> list[tuple[str, str]]:
    sockets = [
        ("listening" if not number else " ", style.paint(str(each), CYAN)) for number, each in enumerate(info.sockets)
    ]
    return [
        ("config", info.source),
        ("app", info.app),
        ("server", _server(info)),
        *sockets,
        ("services", ", ".join(info.services)),
        ("watchers", ", ".join(info.watchers)),
        ("control", info.endpoint),
        ("console", style.paint(info.console, CYAN) if info.console else ""),
    ]


def _server(info: BannerInfo) -> str:
    if not info.backend:
        return ""
    workers = "1 worker" if info.workers == 1 else f"{info.workers} workers"
    threads = f" of {info.threads} threads" if info.threads else ""
    scaled = f", scaled within {info.scaled}" if info.scaled else ""
    return f"{info.backend}, {workers}{threads}{scaled}"
