"""`circus-plugin`: runs one plugin beside an arbiter, with Circus's own command line.

Exit status: 0 after a signal that asked for the end, 1 for a plugin that failed, 2 for a wrong command line, class or
configuration.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from circus_stack import __version__
from circus_stack.client.credentials import Credentials, credentials_of
from circus_stack.client.tunnel import Tunnel
from circus_stack.errors import CircusStackError
from circus_stack.plugins.loading import load_plugin
from circus_stack.plugins.options import parse_config
from circus_stack.plugins.plugin import CircusPlugin
from circus_stack.system.signals import handle_signal

ENDPOINT, PUBSUB_ENDPOINT = "tcp://127.0.0.1:5555", "tcp://127.0.0.1:5556"
_FORMAT = "%(asctime)s %(name)s[%(process)d] [%(levelname)s] %(message)s"
_DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
_FAILED, _MISCONFIGURED = 1, 2
_ENDING = (signal.SIGINT, signal.SIGTERM)

log = logging.getLogger("circus-plugin")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("plugin", metavar="CLASS")
@click.option("--endpoint", default=ENDPOINT, show_default=True, help="The arbiter's endpoint for commands.")
@click.option("--pubsub", default=PUBSUB_ENDPOINT, show_default=True, help="The arbiter's endpoint of events.")
@click.option("--config", default="", metavar="K:V:::K2:V2", help="The plugin's own options.")
@click.option(
    "--check-delay", type=float, default=5.0, show_default=True, help="The arbiter's check_delay, in seconds."
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error", "critical"], case_sensitive=False),
    default="info",
    show_default=True,
    help="How much the plugin says.",
)
@click.option("--log-output", metavar="FILE", default="-", help="File for what the plugin says; - is stderr.")
@click.option("--ssh", metavar="USER@HOST[:PORT]", help="Reach the arbiter through a tunnel over this host.")
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(),
    help="Your key, for tcp endpoints that ask for one (circus-stack keygen client).",
)
@click.option(
    "--server-key", metavar="KEY|FILE", help="The arbiter's public key, where your key file does not name it."
)
@click.version_option(__version__, "-V", "--version", prog_name="circus-plugin")
def circus_plugin(
    plugin: str,
    log_level: str,
    log_output: str,
    ssh: str | None,
    config: str,
    key: str | None,
    server_key: str | None,
    **reach: Any,
) -> None:
    """Run a plugin until SIGTERM or SIGINT. CLASS is the dotted name of its class.

    \b
    circus-plugin circus_stack.plugins.flapping.Flapping
    circus-plugin --config filename:/var/log/events mypackage.plugins.Logger
    """
    try:
        _configure_logging(log_level, log_output)
        with contextlib.ExitStack() as tunnels:
            # Not by CIRCUSCTL_KEY: a plugin that the arbiter starts has its environment, and needs no key.
            credentials = credentials_of({}, key, server_key)
            sys.exit(_run(lambda: _made(plugin, config, credentials, **_reachable(tunnels, ssh, **reach))))
    except CircusStackError as error:
        click.echo(f"circus-plugin: {error}", err=True)
        sys.exit(_MISCONFIGURED)


def _configure_logging(level: str, output: str) -> None:
    handler: logging.Handler
    try:
        handler = logging.StreamHandler() if output == "-" else logging.FileHandler(output)
    except OSError as error:
        raise CircusStackError(f"--log-output: {output}: {error.strerror}") from None
    logging.basicConfig(level=level.upper(), handlers=[handler], format=_FORMAT, datefmt=_DATE_FORMAT)
    logging.captureWarnings(True)


def _reachable(tunnels: contextlib.ExitStack, ssh: str | None, **reach: Any) -> dict[str, Any]:
    """The same endpoints, or with `ssh` the near ends of tunnels to them. Raises CircusStackError."""
    for name in ("endpoint", "pubsub"):
        if "://" not in reach[name]:
            raise CircusStackError(f"--{name}: found {reach[name]!r}; legal: tcp://HOST:PORT or ipc://PATH")
    if ssh is not None:
        for name in ("endpoint", "pubsub"):
            reach[name] = tunnels.enter_context(Tunnel(ssh, reach[name])).endpoint
    return reach


def _made(
    name: str, config: str, credentials: Credentials | None, *, endpoint: str, pubsub: str, check_delay: float
) -> Any:
    """The plugin itself. Raises CircusStackError where its class is not found or its configuration is wrong."""
    from circus_stack.api import alias

    alias.install()
    # As `python -m` has it: a plugin may live in the working directory.
    sys.path.append(str(Path.cwd()))
    factory = load_plugin(name)
    try:
        made = factory(endpoint, pubsub, check_delay, None, **parse_config(config))
    except (TypeError, ValueError, NotImplementedError) as error:
        raise CircusStackError(f"{name}: {error}") from error
    if credentials is not None:
        if not isinstance(made, CircusPlugin):
            raise CircusStackError(f"--key: {name} is built on a base class that knows no keys")
        made.credentials = credentials
    return made


def _run(make: Callable[[], Any]) -> int:
    """Make a plugin and run it to its end; the exit status."""
    ended = threading.Event()
    plugin: Any = None

    def end() -> None:
        ended.set()
        if plugin is not None:
            _request_stop(plugin)

    for signum in _ENDING:
        signal.signal(signum, lambda _signum, _frame: end())
    try:
        plugin = make()
    except CircusStackError:
        raise
    except Exception:
        log.exception("the plugin cannot be made")
        return _FAILED
    log.info("%s runs on %s", plugin.name or type(plugin).__name__, plugin.endpoint)
    if ended.is_set():
        return 0
    if not plugin.active:
        # To end would let the arbiter start it again and again.
        log.info("it is not active: it does nothing until it is told to end")
        ended.wait()
        return 0
    # Tornado's loop has one of asyncio's by the same name.
    loop = getattr(plugin.loop, "asyncio_loop", None)
    if loop is not None:
        for signum in _ENDING:
            handle_signal(loop, signum, end)
    return _run_active(plugin)


def _run_active(plugin: Any) -> int:
    try:
        plugin.start()
    except CircusStackError as error:
        log.error("%s", error)
        return _FAILED
    except Exception:
        log.exception("the plugin failed")
        return _FAILED
    finally:
        plugin.stop()
    log.info("ended")
    return 0


def _request_stop(plugin: Any) -> None:
    """Ours knows how to give up a call; a plugin on Circus's own base class has at least Tornado's loop."""
    request = getattr(plugin, "request_stop", None)
    if request is not None:
        request()
    else:
        plugin.loop.add_callback_from_signal(plugin.stop)


def main() -> None:
    """Entry point of the console script."""
    circus_plugin.main(prog_name="circus-plugin")


if __name__ == "__main__":
    main()
