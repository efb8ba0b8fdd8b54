"""Names of Chaussette 1.3 that command lines and programs have: each stands elsewhere by now, and is only found here.

Nothing of our own imports this module, and nothing new belongs into it.
"""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

from chaussette.addresses import parse_host_port
from chaussette.application import load_object, parse_target
from chaussette.bench import app as bench_app
from chaussette.bench import setup as setup_bench
from chaussette.bench import teardown as teardown_bench
from chaussette.errors import ChaussetteError
from chaussette.hello import app as hello_app
from chaussette.logs import handler_for
from chaussette.sockets import DEFAULT_BACKLOG, adopt, bind

__all__ = [
    "bench_app",
    "configure_logger",
    "create_socket",
    "hello_app",
    "import_string",
    "setup_bench",
    "teardown_bench",
]


def create_socket(
    host: str,
    port: int,
    family: int = socket.AF_INET,
    type: int = socket.SOCK_STREAM,
    backlog: int = DEFAULT_BACKLOG,
    blocking: bool = True,
) -> socket.socket:
    """A listening socket: bound to `host` (a name, an address, unix:/PATH) and `port`, or that of fd://N, of which it
    is a duplicate. Raises ValueError for AF_UNIX without a path, else SocketError and UsageError."""
    if family == socket.AF_UNIX and not host.startswith(("unix:", "fd://")):
        raise ValueError("Your host needs to have the unix:/path form")
    if type != socket.SOCK_STREAM:
        raise ValueError("HTTP needs SOCK_STREAM")
    if host.startswith("fd://"):
        made = adopt(os.dup(int(host.removeprefix("fd://")))).sock
    else:
        name = socket.AddressFamily(family).name
        made = bind(parse_host_port(host, port, name), backlog=backlog, family=name).sock
    made.setblocking(blocking)
    return made


def import_string(import_name: str, silent: bool = False) -> Any:
    """The object that `package.module.object` or `package.module:object` names. Raises ImportError; with `silent` it is
    None then."""
    try:
        return load_object(parse_target(import_name), f"{import_name!r}")
    except ChaussetteError as error:
        if silent:
            return None
        raise ImportError(str(error)) from error


def configure_logger(logger: logging.Logger, level: str = "INFO", output: str = "-") -> None:
    """Have `logger` write lines as `chaussette` does, to standard error or the file `output`, from `level` on."""
    logger.setLevel(level.upper())
    logger.addHandler(handler_for(output))
