"""`circus-stack check`: reads a configuration as `serve` or `circusd` would, and says everything that is wrong with it.

Nothing is started, bound or written, and no application is imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from circus_stack.cli.completion.found import complete_files
from circus_stack.errors import ConfigError, Problem, ServiceUnavailableError

if TYPE_CHECKING:
    from circus_stack.cli.style import Style
    from circus_stack.config.schema import StackConfig

MISCONFIGURED = 2


class Verdict(Struct, frozen=True):
    """What came out: a stack unless there are mistakes."""

    source: str
    stack: StackConfig | None
    mistakes: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("target", metavar="FILE | MODULE:APP", shell_complete=complete_files)
@click.argument("variables", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--kind",
    type=click.Choice(["auto", "paste", "circus"]),
    default="auto",
    show_default=True,
    help="Read the file as `serve` does (paste) or as `circusd` does (circus); auto: by its sections.",
)
@click.option("--app-name", "-n", metavar="NAME", help="Application section of the file, main by default.")
@click.option("--server-name", metavar="NAME", help="Server section of the file, main by default.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
def check(
    target: str,
    variables: tuple[str, ...],
    kind: str,
    app_name: str | None,
    server_name: str | None,
    form: str,
) -> None:
    """Check a configuration: every mistake at once, with file, line, and what would be right.

    Exit status 0 if it can be served, with warnings or without; 2 if not.
    """
    verdict = _judge(target, _reader(target, variables, kind, app_name, server_name))
    if form == "json":
        click.echo(json.dumps(_as_json(verdict), indent=2))
    else:
        _print(verdict)
    sys.exit(MISCONFIGURED if verdict.mistakes else 0)


def _reader(
    target: str, variables: tuple[str, ...], kind: str, app_name: str | None, server_name: str | None
) -> Callable[[], StackConfig]:
    """How to read what the command line names. The packages are imported late: --help needs none of them."""
    from circus_stack.config.load import detect_kind, load_app, load_circus, load_stack
    from circus_stack.config.spec import FileTarget, parse_target
    from circus_stack.services import KINDS

    environ = dict(os.environ)
    file = FileTarget(Path(target)) if kind == "circus" else parse_target(target)
    if file is None:
        return lambda: load_app(target, environ=environ, service_kinds=KINDS)
    if kind == "circus" or (kind == "auto" and detect_kind(file.path) == "circus"):
        return lambda: load_circus(file.path, environ=environ)
    return lambda: load_stack(
        file.path,
        app_name=app_name or file.app_name,
        server_name=server_name,
        variables={**file.variables, **_parse_variables(variables)},
        environ=environ,
        service_kinds=KINDS,
    )


def _parse_variables(words: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{word!r} is not of the form NAME=VALUE")
        found[name] = value
    return found


def _judge(source: str, read: Callable[[], StackConfig]) -> Verdict:
    try:
        stack = read()
        warnings = (*stack.warnings, *_look_further(stack))
    except ConfigError as error:
        return Verdict(source, None, error.problems, ())
    return Verdict(source, stack, (), warnings)


def _look_further(stack: StackConfig) -> list[Problem]:
    """What the recipes and the sinks say to their options; a server that isn't installed here is worth a warning, and a
    limit that is too low."""
    from circus_stack.api import alias
    from circus_stack.arbiter.checks import check_launches
    from circus_stack.arbiter.hook_loading import check_hooks
    from circus_stack.arbiter.secret_environment import open_secrets
    from circus_stack.cli.descriptors import look_at_descriptors
    from circus_stack.config.schema import SourceKind
    from circus_stack.control.keyring import check_keys
    from circus_stack.daemon.console import check_console_options
    from circus_stack.daemon.plugin_checks import check_plugins
    from circus_stack.services import prepare
    from circus_stack.streams.validation import check_watchers, ignored_options
    from circus_stack.system.open_files import most_open_files

    alias.install()
    is_circus = stack.kind is SourceKind.CIRCUS
    mistakes = check_watchers(stack.watchers, looks_at_disk=False, refuses_unknown=not is_circus)
    mistakes += check_launches(stack.watchers)
    mistakes += check_hooks(stack.watchers)
    mistakes += check_plugins(stack.plugins)
    mistakes += [*check_keys(stack.circus), *check_console_options(stack)]
    warnings = [*look_at_descriptors(stack, most_open_files()), *open_secrets(stack.watchers)]
    # Circus ignores them; so do we in its files.
    warnings += ignored_options(stack.watchers) if is_circus else ()
    for service in stack.services:
        try:
            prepare(service, state_dir=Path("/nonexistent"), runtime_dir=Path("/nonexistent"), environ=dict(os.environ))
        except ConfigError as error:
            mistakes += error.problems
        except ServiceUnavailableError as error:
            where = service.where.get("")
            file, line = (where.file, where.line) if where else ("", 0)
            # The recipe's own text names the section.
            warnings.append(Problem(str(error), file=file, line=line))
    if mistakes:
        raise ConfigError(mistakes)
    return warnings


def _as_json(verdict: Verdict) -> dict[str, object]:
    return {
        "target": verdict.source,
        "ok": not verdict.mistakes,
        "problems": [asdict(each) for each in verdict.mistakes],
        "warnings": [asdict(each) for each in verdict.warnings],
        "stack": None if verdict.stack is None else _summary(verdict.stack),
    }


def _summary(stack: StackConfig) -> dict[str, object]:
    from circus_stack.config.listen import Address

    web = stack.web
    return {
        "kind": str(stack.kind),
        "app": web.app if web else None,
        "backend": web.backend if web else None,
        "workers": web.workers if web else None,
        "sockets": {each.name: str(Address(each.host, each.port, each.path)) for each in stack.sockets},
        "services": [each.name for each in stack.services],
        "watchers": {each.name: each.numprocesses for each in stack.watchers},
    }


def _print(verdict: Verdict) -> None:
    from circus_stack.cli.style import RED, YELLOW, style_of

    style = style_of(1, os.environ)
    for problem in verdict.mistakes:
        click.echo(_line(problem, "error", RED, style))
    for problem in verdict.warnings:
        click.echo(_line(problem, "warning", YELLOW, style))
    if verdict.stack is None:
        count = len(verdict.mistakes)
        mistakes = "1 mistake" if count == 1 else f"{count} mistakes"
        click.echo(style.paint(f"{verdict.source}: {mistakes}", RED))
    else:
        click.echo(_praise(verdict.source, verdict.stack, len(verdict.warnings), style))


def _line(problem: Problem, word: str, colour: int, style: Style) -> str:
    """One line in a pipe, as compilers print it; the facts on lines of their own where a person reads."""
    from circus_stack.cli.style import BOLD, DIM

    if not style.is_terminal:
        return f"{word}: {problem}"
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    name = f"[{problem.section}] {problem.option}".strip() if problem.section else problem.option
    head = [style.paint(word, colour, BOLD), style.paint(place, BOLD), style.paint(name, BOLD), problem.message]
    facts = {"found": problem.found, "legal": problem.legal or None, "did you mean": problem.nearest or None}
    lines = [" ".join(filter(None, head))]
    lines += [f"    {style.paint(f'{key}:', DIM)} {value}" for key, value in facts.items() if value is not None]
    return "\n".join(lines)


def _praise(source: str, stack: StackConfig, warnings: int, style: Style) -> str:
    from circus_stack.cli.style import GREEN

    summary = _summary(stack)
    parts = []
    if stack.web is not None:
        workers = "1 worker" if stack.web.workers == 1 else f"{stack.web.workers} workers"
        parts.append(f"{workers} of {stack.web.backend} serving {stack.web.app}")
    sockets = summary["sockets"]
    if isinstance(sockets, Mapping) and sockets:
        parts.append("listening on " + ", ".join(sockets.values()))
    names = [each.name for each in stack.watchers if stack.web is None or each.name != "web"]
    parts += _listed("watcher", names) + _listed("service", [each.name for each in stack.services])
    if warnings:
        parts.append("1 warning" if warnings == 1 else f"{warnings} warnings")
    return style.paint(f"{source}: in order", GREEN) + "".join(f"\n  {part}" for part in parts)


def _listed(word: str, names: list[str]) -> list[str]:
    if not names:
        return []
    return [f"{word}{'' if len(names) == 1 else 's'} {', '.join(names)}"]
