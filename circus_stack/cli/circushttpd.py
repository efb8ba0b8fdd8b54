"""`circushttpd`: the web console of a stack, served by our own gevent backend. The arbiter starts it on a socket of its
own; by hand it serves any arbiter that this user may reach.

It becomes that server: what it has found out goes on in the environment.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from circus_stack import __version__
from circus_stack.cli.console_address import address_at
from circus_stack.cli.console_directory import console_directory
from circus_stack.cli.console_extra import require_libraries
from circus_stack.cli.first_link import first_link
from circus_stack.cli.target import find_target
from circus_stack.errors import CircusStackError
from circus_stack.web.access.origin import is_loopback_host
from circus_stack.web.access.users import Users
from circus_stack.web.settings import MOST_BODY, WebSettings

_DEFAULT_HOST, _DEFAULT_PORT = "127.0.0.1", 8080
_FAILED = 1
# A browser that looks on has a connection open for ever.
_GRACEFUL_S = "4"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--endpoint", metavar="ENDPOINT", help="The arbiter's, for commands [the one that runs here].")
@click.option("--stack", "stack_name", metavar="NAME", help="Which of the stacks that run here.")
@click.option("--key", metavar="FILE", help="Key to show at a tcp:// endpoint; see circus-stack keygen.")
@click.option("--server-key", metavar="KEY", help="That arbiter's public key, if the file does not hold it.")
@click.option("--fd", type=click.IntRange(min=0), metavar="N", help="Serve on this inherited listening socket.")
@click.option("--host", metavar="HOST", help=f"Address to listen on [{_DEFAULT_HOST}].")
@click.option("--port", type=click.IntRange(0, 65535), metavar="PORT", help=f"Port to listen on [{_DEFAULT_PORT}].")
@click.option("--prefix", default="", metavar="/PATH", help="Path below which a proxy hands requests on unchanged.")
@click.option("--allowed-host", "hosts", multiple=True, metavar="NAME", help="Name by which browsers reach it.")
@click.option("--trusted-proxies", metavar="LIST", help="Addresses of proxies whose X-Forwarded-* headers count.")
@click.option("--certfile", metavar="FILE", help="Serve https with this certificate (PEM).")
@click.option("--keyfile", metavar="FILE", help="Its private key (PEM), where it is not in --certfile.")
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of users, tokens and sessions [console in the stack's own].",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error", "critical"]), default="info")
@click.version_option(__version__, "-V", "--version", prog_name="circushttpd")
def circushttpd(
    endpoint: str | None,
    stack_name: str | None,
    key: str | None,
    server_key: str | None,
    fd: int | None,
    host: str | None,
    port: int | None,
    prefix: str,
    hosts: tuple[str, ...],
    trusted_proxies: str | None,
    certfile: str | None,
    keyfile: str | None,
    state_dir: Path | None,
    log_level: str,
) -> None:
    """Serve the web console of a running stack, until SIGTERM or Ctrl-C.

    \b
    circushttpd                                     the stack that runs here, on http://127.0.0.1:8080/
    circushttpd --port 8443 --certfile console.pem
    circushttpd --endpoint tcp://10.0.0.7:5555 --key ann.key
    """
    require_libraries()
    if fd is not None and (host is not None or port is not None):
        raise click.UsageError("--fd and --host or --port: an inherited socket has its address already")
    if prefix and not prefix.startswith("/"):
        raise click.UsageError(f"--prefix is a path that begins with /, found {prefix!r}")
    try:
        target = find_target(os.environ, endpoint=endpoint, stack=stack_name, key=key, server_key=server_key)
        directory = state_dir or console_directory(target)
        _check_exposure(host if fd is None else _host_of(fd), directory)
    except CircusStackError as error:
        click.echo(f"circushttpd: {error}", err=True)
        sys.exit(_FAILED)
    if fd is None:
        at = _DEFAULT_PORT if port is None else port
        address = address_at(host or _DEFAULT_HOST, at, is_https=certfile is not None, prefix=prefix)
        # Which port the kernel chooses in place of 0 nobody knows yet.
        _show_door(address if at else "", directory)
    settings = WebSettings(
        endpoint=target.endpoint,
        directory=str(directory.absolute()),
        prefix=prefix.rstrip("/"),
        allowed_hosts=hosts,
        key=_absolute(key),
        server_key=server_key,
    )
    flags = {"--trusted-proxies": trusted_proxies, "--certfile": _absolute(certfile), "--keyfile": _absolute(keyfile)}
    if trusted_proxies:
        flags["--trusted-proxy-headers"] = "x-forwarded-for,x-forwarded-proto,x-forwarded-host,x-forwarded-prefix"
    where = ["--fd", str(fd)] if fd is not None else ["--host", host or _DEFAULT_HOST, "--port", _port(port)]
    _become([*where, *_given(flags), "--log-level", log_level], settings)


def _show_door(address: str, directory: Path) -> None:
    """How to get in: a link where only who sits at the terminal reads it, else who makes one."""
    link = first_link(address, directory) if address and sys.stdout.isatty() else ""
    if link:
        click.echo(f"log in: {link}")
    else:
        click.echo(f"users and tokens: circus-stack passwd, token and console with --state-dir {directory}", err=True)


def _check_exposure(host: str | None, directory: Path) -> None:
    """Raise CircusStackError where the network could try to log in, and no password was ever set."""
    if host is None or is_loopback_host(host) or Users(directory).names():
        return
    raise CircusStackError(
        f"{host} would offer the console to the network, and nobody has a password yet: "
        f"circus-stack passwd --state-dir {directory}"
    )


def _host_of(fd: int) -> str | None:
    """The address that an inherited socket listens on; None for one of a file, which no network reaches. Raises
    CircusStackError for a descriptor that is no socket."""
    try:
        with socket.socket(fileno=os.dup(fd)) as sock:
            address = sock.getsockname()
    except OSError as error:
        raise CircusStackError(f"--fd {fd} is no listening socket: {error.strerror}") from None
    return str(address[0]) if isinstance(address, tuple) else None


def _port(port: int | None) -> str:
    return str(_DEFAULT_PORT if port is None else port)


def _absolute(path: str | None) -> str | None:
    return None if path is None else str(Path(path).absolute())


def _given(flags: dict[str, str | None]) -> list[str]:
    return [word for flag, value in flags.items() if value is not None for word in (flag, value)]


def _become(flags: Sequence[str], settings: WebSettings) -> None:
    words = [sys.executable, "-m", "chaussette", "--backend", "gevent", *flags]
    words += [
        "--graceful-timeout",
        _GRACEFUL_S,
        "--max-body-size",
        str(MOST_BODY),
        "--no-server-header",
        "circus_stack.web.wsgi:application",
    ]
    sys.stdout.flush()
    os.execve(sys.executable, words, {**os.environ, **settings.as_environ()})


def main() -> None:
    """What the arbiter starts."""
    circushttpd.main(prog_name="circushttpd")


if __name__ == "__main__":
    main()
