"""`circusd`: runs the stack of a Circus ini, with Circus's own command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from circus_stack import __version__


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("config", metavar="STACK.INI", type=click.Path(path_type=Path))
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error", "critical"], case_sensitive=False),
    help="How much circusd itself says.",
)
@click.option("--log-output", metavar="FILE", help="File for what circusd itself says; - is stderr.")
@click.option("--daemon", is_flag=True, help="Leave the terminal and run in the background.")
@click.option("--pidfile", metavar="FILE", help="File that gets the arbiter's pid.")
@click.version_option(__version__, "-V", "--version", prog_name="circusd")
def circusd(config: Path, log_level: str | None, log_output: str | None, daemon: bool, pidfile: str | None) -> None:
    """Run the watchers and sockets of a Circus ini and keep them up.

    \b
    circusd stack.ini
    circusctl status         from another terminal

    SIGHUP replaces all workers, new before old; SIGINT, SIGTERM and SIGQUIT stop everything, a second one at once.
    """
    from circus_stack.cli.starting import Start, start
    from circus_stack.config.load import load_circus
    from circus_stack.config.overrides import Overrides
    from circus_stack.protocol.rundir import file_source

    file, environ = config.absolute(), dict(os.environ)
    overrides = Overrides(log_level=log_level, pidfile=pidfile)
    sys.exit(
        start(
            Start(
                source=file_source(file.resolve()),
                read=lambda: load_circus(file, environ=environ, overrides=overrides),
                rereads_on_hup=False,
                daemonize=daemon,
                log_output=log_output,
                program="circusd",
            )
        )
    )


def main(argv: list[str] | None = None) -> None:
    """Entry point of the console script."""
    circusd.main(args=argv, prog_name="circusd")
