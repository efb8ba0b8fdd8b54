"""The commands that measure, one a kind."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from circus_stack.cli.bench import options
from circus_stack.cli.bench.measure import measure
from circus_stack.cli.bench.plans import (
    DEFAULT_ROUNDS,
    DEFAULT_SECONDS,
    DEFAULT_USERS,
    Asked,
    memory_plans,
    processes_plans,
    reload_plans,
    serve_plans,
    start_plans,
    steps_plans,
)


@click.command(context_settings=options.HELP, short_help="Requests a second and latencies.")
@click.option("-s", "--scenario", "scenarios", multiple=True, metavar="NAME", help="Only this one; may be repeated.")
@options.contestant
@options.app
@options.workers(1)
@options.rounds(DEFAULT_ROUNDS)
@click.option(
    "--seconds", type=click.IntRange(1, 3600), help=f"The length of one load [default: {DEFAULT_SECONDS}; --quick: 1]"
)
@click.option(
    "--warm-up", type=click.IntRange(0, 3600), default=1, show_default=True, help="Seconds of load that don't count."
)
@click.option("--connections", type=click.IntRange(1, 10000), default=32, show_default=True, help="At the same time.")
@click.option(
    "-f",
    "--locust-file",
    "locust_files",
    type=click.Path(exists=True, dir_okay=False),
    multiple=True,
    help="Users of your own, as locust has them, in place of --path; may be repeated.",
)
@click.option(
    "--users",
    type=click.IntRange(1, 100000),
    show_default=str(DEFAULT_USERS),
    help="Of a locust file, at the same time.",
)
@click.option("--processes", type=click.IntRange(1, 64), show_default="1", help="That locust runs, for a locust file.")
@click.option(
    "--generator",
    type=click.Choice(["auto", "wrk", "locust"]),
    default="auto",
    show_default=True,
    help="Of scenarios without users; auto: wrk where it is installed.",
)
@options.quick
@click.option("--no-pin", is_flag=True, help="Let servers and generator share all processors.")
@options.output("serve")
def serve(
    scenarios: tuple[str, ...],
    contestants: tuple[str, ...],
    app: str | None,
    path: str,
    workers: tuple[int, ...],
    rounds: int,
    seconds: int | None,
    warm_up: int,
    connections: int,
    locust_files: tuple[str, ...],
    users: int | None,
    processes: int | None,
    generator: str,
    quick: bool,
    no_pin: bool,
    output: Path | None,
) -> None:
    """Measure throughput and latency, round after round, and keep the result.

    Ctrl-C ends it early: what was measured until then is kept and shown. Status 1 where a contestant failed.
    """
    asked = Asked(
        scenarios=scenarios, contestants=contestants, app=app, path=path, workers=workers, rounds=rounds,
        seconds=seconds, warm_up=warm_up, connections=connections, locust_files=locust_files,
        users=users or 0, processes=processes or 0, generator=generator, is_quick=quick,
        is_pinned=not no_pin,
    )  # fmt: skip
    sys.exit(measure(serve_plans(asked), output, "serve"))


@click.command(context_settings=options.HELP, short_help="Time to start, and to replace the workers.")
@options.contestant
@options.app
@options.workers(1)
@options.rounds(DEFAULT_ROUNDS, "Starts of each.")
@options.quick
@options.output("start")
def start(
    contestants: tuple[str, ...],
    app: str | None,
    path: str,
    workers: tuple[int, ...],
    rounds: int,
    quick: bool,
    output: Path | None,
) -> None:
    """Measure how long contestants take to start, and what they hold in memory then.

    \b
    circus-stack bench start -w 4 --app app.ini -c gevent -c gevent+preload
    """
    asked = Asked(contestants=contestants, app=app, path=path, workers=workers, rounds=rounds, is_quick=quick)
    sys.exit(measure(start_plans(asked), output, "start"))


@click.command(context_settings=options.HELP, short_help="What many workers hold in memory.")
@options.contestant
@options.app
@options.workers(175)
@options.rounds(1, "Starts of each.")
@options.quick
@options.output("memory")
def memory(
    contestants: tuple[str, ...],
    app: str | None,
    path: str,
    workers: tuple[int, ...],
    rounds: int,
    quick: bool,
    output: Path | None,
) -> None:
    """Measure what many workers hold in memory, and how long they take to be all up.

    \b
    circus-stack bench memory --app app.ini -w 32

    The application is the Pyramid example where it is installed, else the suite's own. 175 workers that each import
    it take a minute on two processors; forked ones take seconds. --quick: 32 workers, unless -w says otherwise.
    """
    many = (32,) if quick and workers == (175,) else workers
    asked = Asked(contestants=contestants, app=app, path=path, workers=many, rounds=rounds, is_quick=quick)
    sys.exit(measure(memory_plans(asked), output, "memory"))


@click.command(context_settings=options.HELP, short_help="What fails while workers are replaced under load.")
@options.contestant
@options.app
@options.workers(2)
@options.rounds(DEFAULT_ROUNDS)
@click.option("--connections", type=click.IntRange(1, 10000), default=32, show_default=True, help="At the same time.")
@options.quick
@options.output("reload")
def reload(
    contestants: tuple[str, ...],
    app: str | None,
    path: str,
    workers: tuple[int, ...],
    rounds: int,
    connections: int,
    quick: bool,
    output: Path | None,
) -> None:
    """Replace all workers under load, again and again: what fails meanwhile, and who waits.

    Each contestant is reloaded as its manual says, by SIGHUP. Who cannot be reloaded takes no part.
    """
    asked = Asked(
        contestants=contestants, app=app, path=path, workers=workers, rounds=rounds,
        connections=connections, is_quick=quick,
    )  # fmt: skip
    sys.exit(measure(reload_plans(asked), output, "reload"))


@click.command(context_settings=options.HELP, short_help="Process managers side by side.")
@click.option(
    "-c", "--contestant", "contestants", multiple=True, metavar="NAME", help="Only this manager; may be repeated."
)
@click.option(
    "-n",
    "--processes",
    "counts",
    type=click.IntRange(1, 10000),
    multiple=True,
    default=(175,),
    help="That each manager keeps [default: 175]; may be repeated.",
)
@options.rounds(1, "Managers take turns.")
@options.quick
@options.output("processes")
def processes(
    contestants: tuple[str, ...], counts: tuple[int, ...], rounds: int, quick: bool, output: Path | None
) -> None:
    """Measure process managers: circusd of circus-stack, Circus 0.19, supervisord 4.3, and a bare loop that starts.

    Start, respawn and stop, processor time when idle, memory, how soon a client is answered, lines of a log. One
    manager runs at a time. Lines are measured with up to 200 processes.
    """
    asked = Asked(contestants=contestants, workers=counts, rounds=rounds, is_quick=quick)
    sys.exit(measure(processes_plans(asked), output, "processes"))


@click.command(context_settings=options.HELP, short_help="At what load a contestant breaks.")
@options.contestant
@options.app
@options.workers(1)
@click.option("--seconds", type=click.IntRange(1, 3600), help="That a step counts [default: 3; --quick: 2].")
@options.quick
@options.output("steps")
def steps(
    contestants: tuple[str, ...],
    app: str | None,
    path: str,
    workers: tuple[int, ...],
    seconds: int | None,
    quick: bool,
    output: Path | None,
) -> None:
    """Find out at what load a contestant breaks: more and more users, each of whom asks once a second.

    A step holds where 95 % of what was asked is served, 99 % of it within a second, and at most 1 % failed.
    """
    asked = Asked(
        contestants=contestants, app=app, path=path, workers=workers, rounds=1,
        seconds=seconds or (2 if quick else 3), is_quick=quick,
    )  # fmt: skip
    sys.exit(measure(steps_plans(asked), output, "steps"))
