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
@click.option(
    "--log-output",
    metavar="FILE",
    help="Where circusd itself speaks: a file, - for stderr, syslog://HOST:PORT?FACILITY or syslog:///PATH?FACILITY.",
)
@click.option(
    "--logger-config",
    metavar="FILE",
    type=click.Path(),
    help="Python's configuration of logging (.ini, .json, .yaml), or default; our logger is called circus.",
)
@click.option("--daemon", is_flag=True, help="Leave the terminal and run in the background.")
@click.option("--pidfile", metavar="FILE", help="File that gets the arbiter's pid.")
@click.option("--no-adopt", is_flag=True, help="End what an arbiter that was killed has left, and start anew.")
@click.version_option(__version__, "-V", "--version", prog_name="circusd", message="%(version)s")
def circusd(
    config: Path,
    log_level: str | None,
    log_output: str | None,
    logger_config: str | None,
    daemon: bool,
    pidfile: str | None,
    no_adopt: bool,
) -> None:
    """Run the watchers and sockets of a Circus ini and keep them up.

    \b
    circusd stack.ini
    circusd --daemon --pidfile /run/stack.pid stack.ini    in the background, once it is up
    circusd --log-output syslog:///dev/log?daemon stack.ini
    circusctl status                                       from another terminal

    SIGHUP replaces all workers, new before old; SIGINT, SIGTERM and SIGQUIT stop everything, a second one at once.
    Exit status: 0 stopped as asked, 1 refused by the machine, 2 wrong usage or configuration, 3 a
    watcher with exit_on_failed was given up.
    """
    from circus_stack.cli.starting import Start, start
    from circus_stack.config.load import load_circus
    from circus_stack.config.overrides import Overrides
    from circus_stack.protocol.rundir import file_source
    from circus_stack.system.reexec import claim_handover

    handover = claim_handover(os.environ)
    file, environ = config.absolute(), dict(os.environ)
    overrides = Overrides(log_level=log_level, pidfile=pidfile)
    sys.exit(
        start(
            Start(
                source=file_source(file.resolve()),
                read=lambda: load_circus(file, environ=environ, overrides=overrides),
                rereads_on_hup=False,
                adopts=not no_adopt,
                daemonize=daemon,
                log_output=log_output,
                logger_config=logger_config,
                program="circusd",
                handover=handover,
            )
        )
    )


def main(argv: list[str] | None = None) -> None:
    """Entry point of the console script."""
    circusd.main(args=argv, prog_name="circusd")
