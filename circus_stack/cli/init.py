"""`circus-stack init`: writes a commented ini to begin with. The text is a template; nothing is imported for it."""

from __future__ import annotations

from pathlib import Path
from string import Template

import click

from circus_stack.cli.output_file import write_output

_TEMPLATE = Template("""\
# A stack for circus-stack. `circus-stack check $file` reads it and starts nothing,
# `circus-stack serve $file` runs it. A line that begins with # or ; is a comment.
# A value's % is written %%, and %(here)s is the directory of this file.

[server:main]
use = egg:circus-stack

# The application: a module and the name of the WSGI callable in it. module:factory() calls
# a factory first. A Paste application has a section [app:main] in place of this line.
app = $app

# Where to listen: HOST:PORT, *:PORT, [IPV6]:PORT or unix:%(here)s/app.sock; several, separated by blanks.
listen = 127.0.0.1:8080

# The WSGI server in each worker: waitress (threads), gevent (greenlets), meinheld, or wsgiref,
# which needs nothing installed. `circus-stack doctor` tells which of them work here.
# backend = waitress

# How many worker processes; auto: one a processor. WEB_CONCURRENCY and --workers win over this.
workers = 2
# threads = 4

# When a worker stops, it finishes its requests; after so many seconds it is killed.
# graceful_timeout = 30

# More for the workers: any option of a watcher can stand in [watcher:web].
# [watcher:web]
# stderr_stream.class = FileStream
# stderr_stream.filename = %(here)s/web.log

# Variables for every process. [env:web] would set them for the workers alone.
# [env]
# APP_SETTINGS = %(here)s/settings.py

# Redis beside the workers: found, configured, started first, kept up, and stopped last.
# The workers find it through the variable REDIS_URL.
# [service:redis]
# maxmemory = 64mb

# Any other program: here two processes that start when Redis answers.
# [watcher:jobs]
# cmd = python -m $package.jobs
# numprocesses = 2
# depends_on = redis
""")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("app", metavar="MODULE:APP")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default=Path("app.ini"),
    show_default=True,
    help="File to write; - prints it.",
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def init(app: str, output: Path, force: bool) -> None:
    """Write a commented ini for a WSGI application, to begin with."""
    from circus_stack.config.spec import LEGAL_APP, is_application

    if not is_application(app):
        raise click.BadParameter(f"{app!r} is no application; legal: {LEGAL_APP}", param_hint="MODULE:APP")
    text = render_template(app, output)
    if write_output(output, text, force=force):
        click.echo(f"{output} is written. Next: circus-stack serve {output}")


def render_template(app: str, output: Path) -> str:
    """The text of the file, for an application and the name under which the file will be found."""
    name = "app.ini" if str(output) == "-" else str(output)
    package = app.partition(":")[0].partition(".")[0]
    return _TEMPLATE.substitute(app=app.replace("%", "%%"), file=name, package=package)
