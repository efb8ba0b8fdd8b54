"""`circusctl`: steers a running arbiter, in the forms that Circus gave it.

Exit status: 0 done; 1 wrong words, nobody there, or no answer in time; 2 wrong flags; 3 the arbiter refused, also
under --json; 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import click

from circus_stack import __version__
from circus_stack.cli.ctl_commands import build_command, general_options
from circus_stack.cli.ctl_listen import listen
from circus_stack.cli.ctl_session import FAILED, INTERRUPTED, OK, Session
from circus_stack.cli.ctl_shell import Shell
from circus_stack.errors import CircusStackError
from circus_stack.protocol.commands import COMMANDS

_EPILOG = """\b
circusctl status                   the state of each watcher
circusctl stats                    what each process uses
circusctl incr web 2               two more processes of web
circusctl reload web --waiting     new processes take over from the old
circusctl listen watcher.          events as they happen
circusctl COMMAND --help           more, with an example

The running stack of this user is found by itself; --stack says which, where several run. Without a command, a small
shell opens."""

_COMMANDS = sorted([*map(build_command, COMMANDS.values()), listen], key=lambda command: command.name or "")
_TABLE = {command.name or "": command for command in _COMMANDS}


def _print(text: str) -> None:
    print(text, flush=True)


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _open(**options: Any) -> None:
    """Make the session, unless the shell has one already; without a command, open the shell."""
    context = click.get_current_context()
    if context.obj is None:
        context.obj = _session(options)
    if context.invoked_subcommand is None:
        context.exit(_shell(context.obj))


def _session(options: dict[str, Any]) -> Session:
    return Session(
        environ=dict(os.environ),
        endpoint=options["endpoint"],
        stack=options["stack"],
        timeout_s=options["timeout_s"] or 5.0,
        is_json=options["is_json"],
        is_pretty=options["is_pretty"],
        say=_print,
        complain=_complain,
    )


def _shell(session: Session) -> int:
    return Shell(session, _TABLE, lambda words: _run(words, session)).loop()


circusctl = click.Group(
    "circusctl",
    commands=_TABLE,
    params=general_options(is_hidden=False),
    callback=_open,
    invoke_without_command=True,
    help="Steer a running arbiter: a circus-stack, a circusd, or a circusd of Circus itself.",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
click.version_option(__version__, "-V", "--version", prog_name="circusctl")(circusctl)


def _run(words: Sequence[str] | None, session: Session | None = None) -> int:
    """One command line to its exit status; prints whatever is to be said."""
    try:
        status = circusctl.main(args=words, prog_name="circusctl", standalone_mode=False, obj=session)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except CircusStackError as error:
        _complain(f"circusctl: {error}")
        return FAILED
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    return status if isinstance(status, int) else OK


def main() -> None:
    """Entry point of the console script."""
    # A reader that has gone (`circusctl listen | head`) ends this program as it ends others, without a traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(_run(None))
