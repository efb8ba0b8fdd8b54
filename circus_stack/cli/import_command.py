"""`circus-stack import`: writes the ini that does what another program's configuration does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from circus_stack.cli.output_file import write_output
from circus_stack.errors import ConfigError

if TYPE_CHECKING:
    from circus_stack.config.problems import Problems
    from circus_stack.moving.draft import Draft

MISCONFIGURED = 2
KINDS = ("supervisor", "procfile", "gunicorn")


class Request(Struct, frozen=True):
    """What the command line asks for, beside the kind."""

    file: Path
    output: Path
    app: str
    formation: str
    port: int | None

    @property
    def directory(self) -> str:
        """The directory of the file, as the ini writes it: the ini's own where both are one."""
        from circus_stack.moving.draft import written

        home = self.file.absolute().parent
        is_same = str(self.output) != "-" and self.output.absolute().parent.resolve() == home.resolve()
        return "%(here)s" if is_same else written(str(home))


@click.command("import", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default=Path("app.ini"),
    show_default=True,
    help="File to write; - prints it.",
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@click.option("--kind", type=click.Choice(KINDS), help="What the file is; otherwise told by its name and text.")
@click.option("--app", metavar="MODULE:APP", help="The application of a gunicorn.conf.py that names none.")
@click.option(
    "--formation",
    "--concurrency",
    "-m",
    "-c",
    metavar="NAME=N,...",
    help="How many processes each line of a Procfile has; 1 where it is not named, all=N for all.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="PORT of a Procfile's first process; 5000 by default.")
def import_command(
    file: Path, output: Path, force: bool, kind: str | None, app: str | None, formation: str | None, port: int | None
) -> None:
    """Write the ini that does what a supervisord.conf, a Procfile or a gunicorn.conf.py does.

    \b
    circus-stack import /etc/supervisor/supervisord.conf
    circus-stack import Procfile --formation web=2,worker=3
    circus-stack import gunicorn.conf.py --app mysite.wsgi:application

    Each line that has no counterpart stands in the ini as a comment that tells why, and what to do instead.
    Nothing of the file is executed.
    """
    from circus_stack.config.problems import Problems

    problems = Problems()
    request = Request(file, output, app or "", formation or "", port)
    try:
        kind = kind or _guess(file, problems)
        draft = _translate(kind, request, problems)
        problems.raise_mistakes()
    except ConfigError as error:
        for problem in error.problems:
            click.echo(f"error: {problem}", err=True)
        sys.exit(MISCONFIGURED)
    for problem in problems.warnings:
        click.echo(f"warning: {problem}", err=True)
    heading = (
        f"Written by `circus-stack import {file.name}`. `circus-stack check --kind paste` reads it and starts nothing."
    )
    if write_output(output, draft.render(heading), force=force, mode=_mode(request.file, kind)):
        _report(draft, output)


def _read(path: Path, problems: Problems) -> str:
    """The text of a file; raises ConfigError where it is none."""
    from circus_stack.config.source import read_text

    text = read_text(path, problems)
    problems.raise_mistakes()
    return text or ""


def _guess(file: Path, problems: Problems) -> str:
    from circus_stack.moving.guess import guess_kind

    kind = guess_kind(file.name, _read(file, problems))
    if kind not in KINDS:
        raise click.UsageError(f"{file} looks like none of {', '.join(KINDS)}: say what it is with --kind")
    return kind


def _translate(kind: str, request: Request, problems: Problems) -> Draft:
    """By the module of its kind, imported only now: --help needs none of them."""
    file = request.file.absolute()
    if kind == "supervisor":
        from circus_stack.moving.supervisor.translate import import_supervisor

        return import_supervisor(file, lambda path: _read(path, problems), problems)
    return _translate_procfile(request, problems) if kind == "procfile" else _translate_gunicorn(request, problems)


def _translate_procfile(request: Request, problems: Problems) -> Draft:
    from circus_stack.moving.procfile.dotenv import parse_dotenv
    from circus_stack.moving.procfile.translate import Launch, import_procfile

    file = request.file.absolute()
    dotenv = file.with_name(".env")
    variables = parse_dotenv(_read(dotenv, problems), str(dotenv), problems) if dotenv.is_file() else {}
    launch = Launch(directory=request.directory, environment=variables, formation=request.formation, port=request.port)
    return import_procfile(_read(file, problems), str(request.file), launch, problems)


def _translate_gunicorn(request: Request, problems: Problems) -> Draft:
    from circus_stack.moving.gunicorn.expression import Machine
    from circus_stack.moving.gunicorn.translate import import_gunicorn

    file = request.file.absolute()
    machine = Machine(dict(os.environ), os.cpu_count() or 1, str(file))
    return import_gunicorn(_read(file, problems), str(file), request.directory, request.app, machine, problems)


def _mode(file: Path, kind: str) -> int:
    """What the ini's owner alone may read, since its sources are his alone, too."""
    sources = (file, file.with_name(".env")) if kind == "procfile" else (file,)
    is_private = any(each.is_file() and not each.stat().st_mode & 0o077 for each in sources)
    return 0o600 if is_private else 0o666


def _report(draft: Draft, output: Path) -> None:
    remarks = [each for each in draft.all_remarks() if each.text]
    watchers = sum(1 for each in draft.sections if each.title.startswith("watcher:"))
    click.echo(f"{output} is written: {counted(watchers, 'watcher')}. Next: circus-stack check --kind paste {output}")
    if remarks:
        click.echo(f"{counted(len(remarks), 'line')} without a counterpart, each with a comment there:")
    for each in remarks:
        click.echo(f"  {each}")


def counted(count: int, noun: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
