"""`circus-stack serve`: the main job. Reads flags, makes the setting, hands over to the daemon."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from circus_stack.cli.completion.found import complete_backends, complete_files

if TYPE_CHECKING:
    from circus_stack.config.overrides import Overrides
    from circus_stack.config.schema import StackConfig

_BACKENDS_HELP = "Server that runs the app: gevent, meinheld, waitress, wsgiref."


def _check_workers(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is None or value == "auto" or (value.isdigit() and int(value) > 0):
        return value
    raise click.BadParameter(f"{value!r} is neither a number above 0 nor 'auto' (as many as there are cores)")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("target", metavar="APP.INI | MODULE:APP", shell_complete=complete_files)
@click.argument("variables", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--backend", metavar="NAME", help=_BACKENDS_HELP, shell_complete=complete_backends)
@click.option("--workers", metavar="N|auto", callback=_check_workers, help="Worker processes; auto: one a core.")
@click.option(
    "--bind",
    "-b",
    multiple=True,
    metavar="ADDRESS",
    help="HOST:PORT, PORT, [IPV6]:PORT or unix:PATH in place of the file's; may be repeated.",
)
@click.option("--reload", "watch", is_flag=True, help="Replace the workers when a source file changes.")
@click.option("--preload", is_flag=True, help="Fork workers from one that loaded the app.")
@click.option("--dry-run", is_flag=True, help="Print the resolved stack; start and bind nothing.")
@click.option("--app-name", "-n", metavar="NAME", help="Application section of the file, main by default.")
@click.option("--server-name", metavar="NAME", help="Server section of the file, main by default.")
@click.option("--daemon", is_flag=True, help="Leave the terminal and run in the background.")
@click.option("--pidfile", metavar="FILE", help="File that gets the arbiter's pid.")
@click.option("--no-adopt", is_flag=True, help="End what an arbiter that was killed has left, and start anew.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error", "critical"], case_sensitive=False),
    help="How much circus-stack itself says.",
)
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of each line."
)
def serve(
    target: str,
    variables: Sequence[str],
    backend: str | None,
    workers: str | None,
    bind: tuple[str, ...],
    watch: bool,
    preload: bool,
    dry_run: bool,
    app_name: str | None,
    server_name: str | None,
    daemon: bool,
    pidfile: str | None,
    no_adopt: bool,
    log_level: str | None,
    log_format: str,
) -> None:
    """Run a whole stack: open its sockets, start its services and workers, keep all of it up until Ctrl-C.

    \b
    circus-stack serve app.ini                     what the file says
    circus-stack serve app.ini --backend waitress  another server
    circus-stack serve app.ini http_port=8000      a value for %(http_port)s
    circus-stack serve mypackage.wsgi:app -b 8000  without a file

    PORT and WEB_CONCURRENCY are honoured where no flag says otherwise. SIGHUP reads the file again and replaces the
    workers without losing a request; SIGTTIN and SIGTTOU add and take away a worker.
    """
    from circus_stack.cli.starting import Start, start
    from circus_stack.config.overrides import Overrides
    from circus_stack.system.reexec import claim_handover

    handover = claim_handover(os.environ)
    overrides = Overrides(
        backend=backend,
        workers=workers,
        bind=tuple(bind),
        preload=preload or None,
        log_level=log_level,
        pidfile=pidfile,
    )
    source, read = _source(target, variables, app_name, server_name, overrides)
    sys.exit(
        start(
            Start(
                source=source,
                read=read,
                rereads_on_hup=True,
                adopts=not no_adopt,
                watches_sources=watch,
                dry_run=dry_run,
                daemonize=daemon,
                log_format=log_format,
                handover=handover,
            )
        )
    )


def _source(
    target: str, variables: Sequence[str], app_name: str | None, server_name: str | None, overrides: Overrides
) -> tuple[str, Callable[[], StackConfig]]:
    """What identifies the stack, and how to read its configuration, now and at each reload."""
    from circus_stack import services
    from circus_stack.config.load import load_app, load_stack
    from circus_stack.config.spec import parse_target
    from circus_stack.protocol.rundir import app_source, file_source

    environ = dict(os.environ)
    file = parse_target(target)
    if file is None:
        if variables:
            raise click.UsageError(f"NAME=VALUE goes with an ini file; {target!r} is taken for an application")
        return app_source(target, Path.cwd()), lambda: load_app(
            target, overrides=overrides, environ=environ, service_kinds=services.KINDS
        )
    path, values = file.path.absolute(), {**file.variables, **parse_variables(variables)}
    return file_source(path.resolve()), lambda: load_stack(
        path,
        app_name=app_name or file.app_name,
        server_name=server_name,
        variables=values,
        overrides=overrides,
        environ=environ,
        service_kinds=services.KINDS,
    )


def parse_variables(words: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` words -> dict; a usage error for a word without an equals sign."""
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{word!r} is not of the form NAME=VALUE")
        values[name] = value
    return values
