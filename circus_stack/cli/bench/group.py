"""`circus-stack bench`: servers and process managers side by side, reports of it, and comparisons of two runs."""

from __future__ import annotations

import click

from circus_stack.cli.bench import kinds, results, whole
from circus_stack.cli.bench.options import HELP
from circus_stack.cli.bench.text import print_list


@click.group(context_settings=HELP)
def bench() -> None:
    """Measure servers for WSGI applications side by side, on this machine.

    \b
    circus-stack bench all                     every kind, with a report: a quarter of an hour
    circus-stack bench all --app app.ini       which backend, how many workers, how much memory, for your application
    circus-stack bench serve --quick           throughput and latency alone, in two minutes
    circus-stack bench report FILE -o r.html   a page with charts of what was found
    circus-stack bench compare OLD NEW         what became worse; status 1 if anything did
    circus-stack bench regress OLD             measure the same again, and compare

    The load comes from wrk (apt-get install wrk) and from locust (pip install 'circus-stack[bench]'). Other servers
    are installed from PyPI, each into a virtual environment of its own in ~/.cache/circus-stack/bench.
    """


@bench.command("list", context_settings=HELP, short_help="The scenarios, the contestants, the managers.")
def list_command() -> None:
    """Show the scenarios and the contestants; * marks those that are taken where nobody chooses."""
    print_list()


for _command in (
    whole.all_command,
    kinds.serve,
    kinds.steps,
    kinds.start,
    kinds.memory,
    kinds.reload,
    kinds.processes,
    results.regress,
    results.report,
    results.compare,
):
    bench.add_command(_command)
