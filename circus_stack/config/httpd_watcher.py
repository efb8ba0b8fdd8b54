"""The watcher that runs circushttpd, the web console, and the socket that it serves on. Pure."""

from __future__ import annotations

import shlex
import sys
from pathlib import PurePath

from circus_stack.config.schema import CircusConfig, SocketConfig, WatcherConfig
from circus_stack.config.values import ReloadMode

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
        # Who looks on while a stack is reloaded is not to be cut off by it.
        reload_mode=ReloadMode.NONE,
        where=circus.where,
    )
