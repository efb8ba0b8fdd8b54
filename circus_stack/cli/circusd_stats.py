"""`circusd-stats`: samples the processes of an arbiter, publishes and remembers. With Circus's own command line.

Exit status: 0 after a signal that asked for the end, 1 where an endpoint cannot be bound, 2 for a wrong command line.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import click

from circus_stack import __version__
from circus_stack.errors import CircusStackError

_FORMAT = "%(asctime)s %(name)s[%(process)d] [%(levelname)s] %(message)s"
_DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
_FAILED = 1
_LEVELS = ["debug", "info", "warning", "error", "critical"]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--endpoint", default="tcp://127.0.0.1:5555", show_default=True, help="The arbiter's, for commands.")
@click.option("--pubsub", default="tcp://127.0.0.1:5556", show_default=True, help="The arbiter's, of events.")
@click.option(
    "--statspoint", default="tcp://127.0.0.1:5557", show_default=True, help="Where the statistics are published."
)
@click.option("--query-endpoint", metavar="ENDPOINT", help="Where snapshots and history are asked for.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=1.0,
    show_default=True,
    help="Seconds between two samples, for watchers that don't say their own.",
)
@click.option("--state-dir", type=click.Path(path_type=Path), help="Directory of the history; without it none is kept.")
@click.option("--keys-dir", metavar="DIR", help="Directory of the arbiter's keys, which TCP endpoints then ask for.")
@click.option(
    "--runtime-dir",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Directory of the private sockets beside TCP endpoints that ask for keys.",
)
@click.option("--owner", metavar="USER", help="Who owns the files of ipc:// endpoints.")
@click.option("--metrics", metavar="HOST:PORT", help="Serve http://HOST:PORT/metrics for Prometheus.")
@click.option("--metrics-token-file", metavar="FILE", help="File of the token that scrapers must show.")
@click.option("--log-level", type=click.Choice(_LEVELS, case_sensitive=False), default="info", show_default=True)
@click.version_option(__version__, "-V", "--version", prog_name="circusd-stats")
def circusd_stats(
    endpoint: str,
    pubsub: str,
    statspoint: str,
    query_endpoint: str | None,
    interval: float,
    state_dir: Path | None,
    keys_dir: str | None,
    runtime_dir: Path,
    owner: str | None,
    metrics: str | None,
    metrics_token_file: str | None,
    log_level: str,
) -> None:
    """Sample the processes of an arbiter at a constant pace and publish their figures, until SIGTERM or SIGINT."""
    # The imports take a tenth of a second, which --help needn't wait for.
    from circus_stack.daemon.statistics import StatsSetting, run_statistics

    logging.basicConfig(level=log_level.upper(), format=_FORMAT, datefmt=_DATE_FORMAT)
    logging.captureWarnings(True)
    setting = StatsSetting(
        endpoint=endpoint,
        pubsub_endpoint=pubsub,
        stats_endpoint=statspoint,
        query_endpoint=query_endpoint,
        interval_s=interval,
        state_dir=state_dir,
        runtime_dir=runtime_dir,
        keys_dir=keys_dir,
        owner=owner,
        metrics=metrics,
        metrics_token_file=metrics_token_file,
    )
    try:
        asyncio.run(run_statistics(setting))
    except CircusStackError as error:
        click.echo(f"circusd-stats: {error}", err=True)
        sys.exit(_FAILED)


def main() -> None:
    """Entry point of the console script."""
    circusd_stats.main(prog_name="circusd-stats")


if __name__ == "__main__":
    main()
