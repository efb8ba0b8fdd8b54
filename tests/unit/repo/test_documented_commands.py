"""The command lines that the documents show: each program knows the command and every option of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from chaussette.arguments import build_parser
from circus_stack.cli.circusctl import circusctl
from circus_stack.cli.stack import stack
from tests.unit.repo.tree import documents, relative

# An indented line; two blanks or more set off what it does.
SHOWN = re.compile(r"^ {4}(?:\$ )?((?:circus-stack|circusctl|chaussette) .+?)(?: {2,}.*)?$", re.MULTILINE)
# In a table or in a sentence.
QUOTED = re.compile(r"`((?:circus-stack|circusctl|chaussette) [^`]+)`")
GROUPS: dict[str, click.Group] = {"circus-stack": stack, "circusctl": circusctl}


def command_lines() -> Iterator[tuple[str, str]]:
    """(page, line)"""
    for page in documents():
        text = page.read_text()
        for line in dict.fromkeys([*SHOWN.findall(text), *QUOTED.findall(text)]):
            yield relative(page), line


def words_of(line: str) -> list[str]:
    """The words without the brackets that mark what may be left out, and without a shell's pipe."""
    plain = re.sub(r"[\[\]]|\.\.\.", "", line.partition("|")[0])
    return shlex.split(plain, comments=True)


def parse_group(group: click.Group, words: list[str]) -> None:
    """Raises click.UsageError for an unknown command or option."""
    context = click.Context(group, info_name=group.name)
    _, rest, _ = group.make_parser(context).parse_args(words)
    _, command, arguments = group.resolve_command(context, rest) if rest else (None, None, [])
    if isinstance(command, click.Group):
        parse_group(command, arguments)
    elif command is not None:
        inner = click.Context(command, parent=context, **command.context_settings)
        _, surplus, _ = command.make_parser(inner).parse_args(arguments)
        if surplus:
            raise click.UsageError(f"takes no {' '.join(surplus)}")


def complaint(line: str) -> str:
    """What the program would say of the words; empty where it would go on."""
    program, *words = words_of(line)
    try:
        if program == "chaussette":
            build_parser().parse_args(words)
        else:
            parse_group(GROUPS[program], words)
    except click.UsageError as error:
        return error.message
    except SystemExit as end:
        return "chaussette refuses it" if end.code else ""
    return ""


def test_documented_command_lines_are_understood() -> None:
    lines = list(command_lines())

    assert len(lines) > 30
    assert [f"{page}: {line}: {told}" for page, line in lines if (told := complaint(line))] == []
