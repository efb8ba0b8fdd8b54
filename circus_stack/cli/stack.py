"""`circus-stack`: the program with the subcommands, each imported only when it is called: `serve` must start fast."""

from __future__ import annotations

import importlib
from typing import Any

import click

from circus_stack import __version__
from circus_stack.cli.interrupts import raise_interrupts
from circus_stack.cli.unknown_command import unknown_command

# Name -> module:object, in the order in which the help lists them.
_COMMANDS = {
    "serve": "circus_stack.cli.serve:serve",
    "check": "circus_stack.cli.check:check",
    "init": "circus_stack.cli.init:init",
    "import": "circus_stack.cli.import_command:import_command",
    "export": "circus_stack.cli.export_command:export",
    "status": "circus_stack.cli.status:status",
    "logs": "circus_stack.cli.logs:logs",
    "reload": "circus_stack.cli.reload:reload_command",
    "upgrade": "circus_stack.cli.upgrade:upgrade_command",
    "stop": "circus_stack.cli.stop:stop",
    "console": "circus_stack.cli.console:console",
    "passwd": "circus_stack.cli.passwd:passwd",
    "token": "circus_stack.cli.token_command:token",
    "keygen": "circus_stack.cli.keygen:keygen",
    "doctor": "circus_stack.cli.doctor:doctor",
    "bench": "circus_stack.cli.bench.group:bench",
    "completion": "circus_stack.cli.completion.completion_command:completion",
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and loads one on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        if cmd_name != "serve":
            # `serve` answers Ctrl-C itself as soon as there is something to clean up.
            raise_interrupts()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            if args[0].startswith("-"):
                raise
            raise unknown_command(args[0], _COMMANDS, ctx) from None


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`circus-stack serve app.ini` runs a stack; `circusctl` steers it in detail.",
)
@click.version_option(__version__, "-V", "--version", prog_name="circus-stack", message="%(prog)s %(version)s")
def stack() -> None:
    """Run a whole Python web stack from one ini: sockets, WSGI workers and side services, kept up by one program."""


def main(argv: list[str] | None = None) -> Any:
    """Entry point of the console script."""
    return stack.main(args=argv, prog_name="circus-stack")
