"""`[server:main] use = egg:circus-stack` for `pserve` and the like: one worker, in the process that loads the ini.

`circus-stack serve` reads the same section and does not come here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chaussette import logs, server
from chaussette.addresses import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    Address,
    parse_host_port,
    parse_listen,
    unix_address,
)
from chaussette.errors import UsageError
from chaussette.notify import Notifier
from chaussette.settings import Declaration, Settings, declared
from chaussette.sockets import Listener, bind

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("chaussette")

# Beside host and port, which are options of the command line too.
ADDRESS_KEYS = ("listen", "bind", "unix_socket", "unix_socket_perms")
# What only a stack can do: accepted, so that one ini serves both, and named in one warning.
STACK_KEYS = (
    "app", "application", "workers", "numprocesses", "preload", "ready_timeout", "user", "uid", "group", "gid",
    "watch_files", "max_requests", "max_requests_jitter", "warmup", "before_fork", "after_fork", "hang_timeout",
    "timeout",
)  # fmt: skip
ALIASES = {"connections": "spawn", "ident": "server_header"}
# Values of stack keys that ask for what happens anyway.
HARMLESS = {
    "workers": ("1",), "numprocesses": ("1",), "preload": ("false", "no", "off", "0"), "max_requests": ("0",),
    "max_requests_jitter": ("0",), "hang_timeout": ("0",), "timeout": ("0",),
}  # fmt: skip


@dataclass(frozen=True)
class Addresses:
    """Where to listen, and the permission bits of a unix socket (None: the umask decides)."""

    addresses: tuple[Address, ...]
    unix_mode: int | None

    def open(self, settings: Settings) -> list[Listener]:
        """Bind them all; none stays open if one cannot be bound."""
        opened: list[Listener] = []
        try:
            for address in self.addresses:
                opened.append(bind(address, backlog=settings.backlog, mode=self.unix_mode))
        except BaseException:
            for listener in opened:
                listener.sock.close()
                listener.remove_path()
            raise
        return opened


def server_factory(global_conf: Mapping[str, str], **local_conf: str) -> Callable[[WSGIApplication], None]:  # noqa: ARG001
    """The `paste.server_factory` entry point. Loaders call it before they load the application, so it can patch."""
    settings = read_settings(local_conf)
    addresses = read_addresses(local_conf, settings)
    warn_of_stack_keys(local_conf)
    configure_logging(local_conf)
    server.extend_path(settings.python_path, os.getcwd())  # noqa: PTH109 - as text
    server.prepared_backend(settings)

    def serve(app: WSGIApplication) -> None:
        notifier = Notifier.from_environ(os.environ)
        server.serve(settings, lambda: app, name_of(app), dict(local_conf), notifier, lambda: addresses.open(settings))

    return serve


def read_settings(local_conf: Mapping[str, str]) -> Settings:
    """The keys of the section that are options of chaussette. All mistakes are told at once."""
    legal = {name: declaration for name, _, declaration in declared() if declaration.in_paste}
    taken: dict[str, Any] = {}
    problems: list[str] = []
    for key, text in local_conf.items():
        name = ALIASES.get(key, key)
        if name in ADDRESS_KEYS or name in STACK_KEYS:
            continue
        if name not in legal:
            problems.append(unknown_key(key, legal))
            continue
        try:
            taken[name] = legal[name].parse(text)
        except ValueError as error:
            problems.append(f"{key} = {text}: {error}")
    if problems:
        raise UsageError("[server:...] use = egg:circus-stack: " + "; ".join(problems))
    return Settings(**taken)


def unknown_key(key: str, legal: Mapping[str, Declaration]) -> str:
    """What to say of a key that is no option."""
    from difflib import get_close_matches

    names = [*legal, *ALIASES, *ADDRESS_KEYS, *STACK_KEYS]
    near = get_close_matches(key, names, 1)
    return f"unknown key {key!r}; " + (
        f"did you mean {near[0]!r}?" if near else f"legal are {', '.join(sorted(names))}"
    )


def read_addresses(local_conf: Mapping[str, str], settings: Settings) -> Addresses:
    """`listen`, else `unix_socket`, else every `host` with `port`."""
    mode = local_conf.get("unix_socket_perms")
    if mode is not None and (not mode.isdecimal() or set(mode) & set("89")):
        raise UsageError(f"unix_socket_perms = {mode}: permission bits are needed, as 660")
    return Addresses(tuple(_addresses(local_conf, settings)), int(mode, 8) if mode else None)


def _addresses(local_conf: Mapping[str, str], settings: Settings) -> list[Address]:
    listen = local_conf.get("listen", local_conf.get("bind", "")).replace(",", " ").split()
    found = [parse_listen(word) for word in listen]
    if "unix_socket" in local_conf:
        found.append(unix_address(f"unix:{local_conf['unix_socket']}"))
    if found:
        return found
    port = DEFAULT_PORT if settings.port is None else settings.port
    hosts = (settings.host or DEFAULT_HOST).replace(",", " ").split()
    return [parse_host_port(host, port, settings.address_family) for host in hosts]


def warn_of_stack_keys(local_conf: Mapping[str, str]) -> None:
    """One warning for all keys that a single process cannot honour."""
    named = [
        f"{key} = {value}"
        for key, value in local_conf.items()
        if key in STACK_KEYS and value.strip().lower() not in HARMLESS.get(key, ())
    ]
    if named:
        log.warning("not honoured in a single process: %s; `circus-stack serve` runs them", ", ".join(named))


def configure_logging(local_conf: Mapping[str, str]) -> None:
    """`log_level` and `log_output` are for our own lines; the loader of the ini has configured the rest."""
    if "log_level" in local_conf:
        log.setLevel(local_conf["log_level"].strip().upper())
    if local_conf.get("log_output", "-") != "-":
        log.addHandler(logs.handler_for(local_conf["log_output"]))


def name_of(app: object) -> str:
    """What to call an application that came without a name: its function, or its class."""
    named = app if hasattr(app, "__qualname__") else type(app)
    return f"{named.__module__}:{named.__qualname__}"
