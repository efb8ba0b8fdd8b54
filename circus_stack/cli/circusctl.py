"""`circusctl`: steers a running arbiter, in the forms that Circus gave it.

Exit status: 0 done; 1 wrong words, nobody there, or no answer in time; 2 wrong flags; 3 the arbiter refused, also
under --json; 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import MutableMapping, Sequence
from typing import Any, cast

import click

from circus_stack import __version__
from circus_stack.cli.completion import circus_protocol
from circus_stack.cli.ctl_flags import Abbreviating, apply_flags, general_flags
from circus_stack.cli.ctl_reach import Reach
from circus_stack.cli.ctl_session import FAILED, INTERRUPTED, OK, Session
from circus_stack.cli.ctl_table import Table
from circus_stack.cli.interrupts import raise_interrupts
from circus_stack.cli.unknown_command import unknown_command
from circus_stack.errors import CircusStackError
from circus_stack.system.standard_files import open_standard_files

_EPILOG = """\b
circusctl status                        the state of each watcher
circusctl stats                         what each process uses
circusctl incr web 2                    two more processes of web
circusctl set web graceful_timeout 60   change an option while it runs
circusctl reload web --waiting          new processes take over from the old
circusctl listen watcher.               events as they happen
circusctl logs -f web                   what processes write
circusctl --ssh me@host status          the arbiter of another machine
circusctl COMMAND --help                more, with an example

The running stack of this user is found by itself; --stack says which, where several run. Without a command, a shell
opens. Exit status: 0 done, 1 no arbiter or no answer, 2 wrong usage, 3 refused by the arbiter."""


class CtlGroup(Abbreviating, click.Group):
    """circusctl itself: abbreviated general flags, and the nearest name for an unknown command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands and not ctx.resilient_parsing:
            raise unknown_command(args[0], self.commands, ctx)
        return super().resolve_command(ctx, args)


def _print(text: str) -> None:
    print(text, flush=True)


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _open(**options: Any) -> None:
    """Make the session, or take the shell's; without a command, open the shell."""
    context = click.get_current_context()
    if context.obj is None:
        context.obj = Session(reach=Reach(environ=dict(os.environ)), say=_print, complain=_complain)
        context.call_on_close(context.obj.reach.tunnels.close)
    context.obj = apply_flags(context.obj, options)
    if context.invoked_subcommand is None:
        context.exit(_shell(context.obj))


def _shell(session: Session) -> int:
    # Here, since a command that is called once needs no line editing.
    from circus_stack.cli.ctl_shell import Shell

    return Shell(session, circusctl, lambda words: run(words, session)).loop()


circusctl = CtlGroup(
    "circusctl",
    # click only reads it.
    commands=cast("MutableMapping[str, click.Command]", Table()),
    params=general_flags(is_hidden=False),
    callback=_open,
    invoke_without_command=True,
    help="Steer a running arbiter: a circus-stack, a circusd, or a circusd of Circus itself.",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
click.version_option(__version__, "-V", "--version", prog_name="circusctl", message="%(prog)s %(version)s")(circusctl)


def run(words: Sequence[str] | None, session: Session | None = None) -> int:
    """One command line to its exit status; prints whatever is to be said. With a session, in the shell that has it."""
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
    """The program."""
    raise_interrupts()
    if circus_protocol.is_asked(os.environ):
        print(circus_protocol.answer(circusctl, os.environ))
        # As Circus ends here.
        sys.exit(1)
    # A reader that has gone (`circusctl listen | head`) ends this program as it ends others, without a traceback.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    open_standard_files()
    try:
        sys.exit(run(None))
    except OSError as error:
        sys.exit(_cannot_print(error))


def _cannot_print(error: OSError) -> int:
    """A full disk behind stdout: said once, and not again when Python flushes what is left."""
    _complain(f"circusctl: cannot print: {error.strerror}")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    return FAILED
