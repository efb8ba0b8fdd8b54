"""The watcher that runs circushttpd, the web console, and the socket that it serves on. Pure."""

from __future__ import annotations

import shlex
import sys
from pathlib import PurePath

from circus_stack.config.file_paths import beside
from circus_stack.config.schema import CircusConfig, SocketConfig, WatcherConfig
from circus_stack.config.values import NOWHERE, ReloadMode

NAME = "circushttpd"
"""Of the watcher and of the socket, as Circus calls both."""

# Where no file names a port, so many next ones may be tried: one for each stack of a large machine.
_SPARE_PORTS = 100
_DEFAULT_PORT = 8080
# Last: nobody waits for a console.
_PRIORITY = -1
# A browser that watches has a connection open for ever: it is not waited for long.
_GRACEFUL_S = 5.0
_PROGRAM = "circus_stack.cli.circushttpd"


def httpd_socket(circus: CircusConfig) -> SocketConfig:
    """The socket. A port that a file names is taken as it is."""
    is_named = "httpd_port" in circus.where or circus.httpd_port != _DEFAULT_PORT
    return SocketConfig(
        name=NAME,
        host=circus.httpd_host,
        port=circus.httpd_port,
        spare_ports=0 if is_named else _SPARE_PORTS,
        where=circus.where,
    )


def httpd_watcher(circus: CircusConfig, directory: PurePath) -> WatcherConfig:
    """The watcher. The endpoint of commands must be one that programs of this user reach; `directory` is that of the
    console's users, tokens and sessions."""
    words = ["--endpoint", circus.endpoint, "--state-dir", str(directory)]
    level = "debug" if circus.debug else circus.loglevel
    if level != "info":
        words += ["--log-level", level]
    words += _network_flags(circus)
    program = shlex.join([sys.executable, "-m", _PROGRAM])
    return WatcherConfig(
        name=NAME,
        cmd=f"{program} --fd $(circus.sockets.{NAME}) {shlex.join(words)}",
        singleton=True,
        use_sockets=True,
        priority=_PRIORITY,
        copy_env=True,
        copy_path=True,
        graceful_timeout=_GRACEFUL_S,
        # Who looks on while a stack is reloaded is not to be cut off by it; a certificate is read again at SIGHUP.
        reload_mode=ReloadMode.HUP if circus.httpd_certfile else ReloadMode.NAMED,
        where=circus.where,
    )


def certificate_files(circus: CircusConfig) -> tuple[str, str | None] | None:
    """The absolute paths of the certificate and of its key, where that has a file of its own; None without TLS."""
    if not circus.httpd_certfile:
        return None
    return _file(circus, "httpd_certfile") or "", _file(circus, "httpd_keyfile")


def _network_flags(circus: CircusConfig) -> list[str]:
    cert, key = certificate_files(circus) or (None, None)
    flags = {"--certfile": cert, "--keyfile": key, "--prefix": circus.httpd_prefix}
    flags["--trusted-proxies"] = circus.httpd_trusted_proxies
    words = [word for flag, value in flags.items() if value for word in (flag, value)]
    return [*words, *(word for name in circus.httpd_names for word in ("--allowed-host", name))]


def _file(circus: CircusConfig, option: str) -> str | None:
    path: str | None = getattr(circus, option)
    return beside(path, circus.where.get(option, NOWHERE)) if path else None
