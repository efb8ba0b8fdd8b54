"""The web console of a stack: its watcher and its socket, and whether it may be where it is to be."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from circus_stack.config.httpd_watcher import NAME, certificate_files, httpd_socket, httpd_watcher
from circus_stack.config.listen import is_loopback
from circus_stack.config.schema import CircusConfig, SocketConfig, StackConfig
from circus_stack.config.values import NOWHERE
from circus_stack.errors import CircusStackError, Problem
from circus_stack.web.libraries import INSTALL, missing_libraries
from circus_stack.web.settings import DIRECTORY

_LOCKED = "has a password, which nobody is there to type"


def with_console(stack: StackConfig, near: CircusConfig, state_dir: Path) -> StackConfig:
    """The stack with its console, where it wants one and the libraries are there; a file that asks for it by name is
    warned where they are not. `near` names the endpoints that programs of this user reach."""
    circus = stack.circus
    if not circus.httpd:
        return stack
    reason = _hindrance(stack)
    if reason:
        warnings = (_problem(circus, "httpd", reason),) if "httpd" in circus.where else ()
        return stack.with_warnings((*stack.warnings, *warnings))
    return dataclasses.replace(
        stack,
        sockets=(*stack.sockets, httpd_socket(circus)),
        watchers=(*stack.watchers, httpd_watcher(near, state_dir / DIRECTORY)),
    )


def _hindrance(stack: StackConfig) -> str:
    """Why it can't run; empty where it can."""
    names = [*(each.name for each in stack.watchers), *(each.name for each in stack.sockets)]
    if NAME in map(str.lower, names):
        return f"the console does not run: the file has a watcher or a socket named {NAME}, which is its name"
    missing = missing_libraries()
    return f"the console does not run without {', '.join(missing)}: {INSTALL}" if missing else ""


def check_console(stack: StackConfig, state_dir: Path) -> list[Problem]:
    """What is wrong with where the console of a stack is to be, the network included, to which it is not offered before
    somebody has a password."""
    circus = stack.circus
    if httpd_socket(circus) not in stack.sockets:
        return []
    exposed = [] if is_loopback(circus.httpd_host) else _check_exposure(circus, state_dir / DIRECTORY)
    return [*check_console_options(stack), *exposed]


def check_console_options(stack: StackConfig) -> list[Problem]:
    """What can be told without the state directory: a port of another socket, a certificate that can't be used."""
    circus = stack.circus
    if not circus.httpd:
        return []
    other = _at_the_same(httpd_socket(circus), stack.sockets)
    taken = f"port {circus.httpd_port} is taken by [socket:{other}]"
    return [*([_problem(circus, "httpd_port", taken)] if other else []), *_check_certificate(circus)]


def _check_certificate(circus: CircusConfig) -> list[Problem]:
    files = certificate_files(circus)
    if files is None:
        reason = "is refused: without httpd_certfile there is no TLS"
        return [_problem(circus, "httpd_keyfile", reason)] if circus.httpd_keyfile else []
    certificate, key = files
    unreadable = next((each for each in files if each and not os.access(each, os.R_OK)), None)
    reason = _flaw(certificate, key)
    if not reason:
        return []
    is_about_key = key is not None and (unreadable == key or reason == _LOCKED)
    option, name = ("httpd_keyfile", key) if is_about_key else ("httpd_certfile", certificate)
    return [dataclasses.replace(_problem(circus, option, f"cannot be used: {reason}"), found=name)]


def _flaw(certificate: str, key: str | None) -> str:
    """Why a server could not use them; empty where it can."""
    # Who serves no https need not load it.
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except _LockedError:
        return _LOCKED
    except ssl.SSLError as error:
        return error.reason or "no certificate in PEM with its key"
    except OSError as error:
        return error.strerror or str(error)
    return ""


class _LockedError(Exception):
    """A key asks for its password."""


def _no_password() -> str:
    # Without this, it would be asked for on the terminal.
    raise _LockedError


def _check_exposure(circus: CircusConfig, directory: Path) -> list[Problem]:
    # A stack that keeps to its machine needs nothing of this.
    from circus_stack.web.access.users import Users

    try:
        if Users(directory).names():
            return []
    except CircusStackError as error:
        return [_problem(circus, "httpd_host", str(error))]
    reason = "would offer the console to the network, and nobody has a password yet"
    legal = f"localhost, or another host after circus-stack passwd --state-dir {directory}"
    return [dataclasses.replace(_problem(circus, "httpd_host", reason), found=circus.httpd_host, legal=legal)]


def _at_the_same(console: SocketConfig, sockets: tuple[SocketConfig, ...]) -> str:
    """The socket that a file gives the same port to; empty for none, and for a port that is only where one begins to
    look for a free one."""
    if console.spare_ports or not console.port:
        return ""
    others = (each for each in sockets if each.name != NAME and each.path is None and each.type != "SOCK_DGRAM")
    return next((each.name for each in others if each.port == console.port and each.host == console.host), "")


def _problem(circus: CircusConfig, option: str, message: str) -> Problem:
    where = circus.where.get(option, NOWHERE)
    return Problem(message, file=where.file, line=where.line, section="circus", option=option)
