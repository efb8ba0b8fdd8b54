"""`circus-stack completion SHELL`: prints the shell's script; and what that script asks behind it."""

from __future__ import annotations

from importlib.resources import files

import click

from circus_stack.cli.completion.line import split_line, words_behind
from circus_stack.cli.completion.programs import PROGRAMS, command_of
from circus_stack.cli.completion.suggestions import suggest

SHELLS = ("bash", "zsh", "fish")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def completion() -> None:
    """Print the script that completes our command lines in bash, zsh or fish.

    \b
    source <(circus-stack completion bash)                          in ~/.bashrc
    source <(circus-stack completion zsh)                           in ~/.zshrc, behind compinit
    circus-stack completion fish >~/.config/fish/conf.d/circus-stack.fish

    It serves circus-stack, circusctl, circusd, circusd-stats, circus-top, circushttpd, circus-plugin and chaussette,
    and asks the running stack for the names of its watchers.
    """


def script(shell: str) -> str:
    """The script for a shell, as it is shipped."""
    return files("circus_stack.cli.completion").joinpath(f"circus-stack.{shell}").read_text()


def _printing(shell: str) -> click.Command:
    @click.command(shell, help=f"The script for {shell}.", context_settings={"help_option_names": ["-h", "--help"]})
    def print_script() -> None:
        click.echo(script(shell), nl=False)

    return print_script


for _shell in SHELLS:
    completion.add_command(_printing(_shell))


@completion.command(hidden=True)
@click.argument("program")
@click.argument("line")
def answer(program: str, line: str) -> None:
    """What may stand at the end of LINE: `plain VALUE HELP`, or `file` or `dir`, a tab between. Never an error."""
    click.echo(answers(program, line), nl=False)


def answers(program: str, line: str) -> str:
    """The answer's lines; empty for what is no program of ours."""
    if program not in PROGRAMS:
        return ""
    words, beginning = split_line(line)
    items = suggest(command_of(program), words_behind(program, words), beginning)
    return "".join(f"{_line(item.type, str(item.value), item.help or '')}\n" for item in items)


def _line(kind: str, value: str, help: str) -> str:
    return f"{kind}\t{value}\t{' '.join(help.split())}" if kind == "plain" else kind
