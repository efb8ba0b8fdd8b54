"""`circus-stack export systemd`: writes the unit that runs a stack, and units for its sockets."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from circus_stack.cli.completion.found import complete_files
from circus_stack.cli.output_file import write_output
from circus_stack.errors import ConfigError

if TYPE_CHECKING:
    from circus_stack.config.schema import SocketConfig, StackConfig
    from circus_stack.moving.systemd.units import SocketUnit, StackUnit

MISCONFIGURED = 2
# Beyond what the stack itself may take: the control endpoint, the logs' last lines.
_MARGIN_S = 30


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def export() -> None:
    """Write what another program needs in order to run a stack."""


@export.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument(
    "ini",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("app.ini"),
    shell_complete=complete_files,
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="File to write, NAME.service; - prints it. By default it has the name of the ini.",
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
@click.option("--user", "is_users", is_flag=True, help="For a user's own systemd: systemctl --user.")
@click.option("--socket", "with_sockets", is_flag=True, help="Let systemd open the sockets, in units of their own.")
def systemd(ini: Path, output: Path | None, force: bool, is_users: bool, with_sockets: bool) -> None:
    """Write a unit of systemd that runs `circus-stack serve INI`.

    \b
    circus-stack export systemd app.ini -o /etc/systemd/system/app.service
    circus-stack export systemd app.ini --user -o ~/.config/systemd/user/app.service
    systemctl daemon-reload && systemctl enable --now app
    """
    from circus_stack.moving.systemd.escape import unit_name
    from circus_stack.moving.systemd.units import render_service, render_socket

    path = output or Path(f"{unit_name(ini.stem)}.service")
    name = unit_name((ini if str(path) == "-" else path).stem)
    try:
        stack = _load(ini)
        sockets = _socket_units(name, stack) if with_sockets else ()
        texts = {path: render_service(_unit(name, ini, stack, is_users, sockets))}
    except ConfigError as error:
        for problem in error.problems:
            click.echo(f"error: {problem}", err=True)
        sys.exit(MISCONFIGURED)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    for each in sockets:
        texts[path if str(path) == "-" else path.with_name(each.name)] = (
            texts.get(path, "") + "\n" if str(path) == "-" else ""
        ) + render_socket(each)
    written = [each for each, text in texts.items() if write_output(each, text, force=force)]
    if written:
        click.echo(f"written: {', '.join(map(str, written))}")


def _load(ini: Path) -> StackConfig:
    from circus_stack.config.load import load_stack
    from circus_stack.services import KINDS

    return load_stack(ini, environ=dict(os.environ), service_kinds=KINDS)


def _unit(name: str, ini: Path, stack: StackConfig, is_users: bool, sockets: tuple[SocketUnit, ...]) -> StackUnit:
    from circus_stack.moving.systemd.units import StackUnit

    path = Path(os.path.abspath(ini))  # noqa: PTH100 - resolve() would leave a link that a deployment moves
    interpreter = Path(sys.executable)
    start_s, stop_s = _times(stack)
    return StackUnit(
        name=name,
        ini=str(path),
        directory=str(path.parent),
        program=(str(interpreter), str(_script(interpreter))),
        bin_directory=str(interpreter.parent),
        start_s=start_s,
        stop_s=stop_s,
        is_users=is_users,
        sockets=[each.name for each in sockets],
    )


def _script(interpreter: Path) -> Path:
    """The console script beside the interpreter, or the one that was called."""
    beside = interpreter.with_name("circus-stack")
    return beside if beside.exists() else Path(sys.argv[0]).absolute()


def _times(stack: StackConfig) -> tuple[int, int]:
    """Seconds that a start and a stop may take: what is slowest among those that start side by side, summed up."""
    from circus_stack.config.start_order import start_waves

    ready: dict[str, float] = {}
    graceful: dict[str, float] = {}
    for service in stack.services:
        ready[service.name] = _seconds(service.watcher.get("ready_timeout"), 60.0)
        graceful[service.name] = _seconds(service.watcher.get("graceful_timeout"), 30.0)
    for watcher in stack.watchers:
        ready[watcher.name], graceful[watcher.name] = watcher.ready_timeout, watcher.graceful_timeout
    waves = start_waves(stack)
    start = sum(max(ready.get(name, 0.0) for name in wave) for wave in waves)
    stop = sum(max(graceful.get(name, 0.0) for name in wave) for wave in waves)
    return int(start) + _MARGIN_S, int(stop) + _MARGIN_S


def _seconds(given: object, default: float) -> float:
    return float(given) if isinstance(given, int | float) else default


def _socket_units(service: str, stack: StackConfig) -> tuple[SocketUnit, ...]:
    # One of its own for each process can't be taken over, and port 0 would be another one each time.
    fixed = [each for each in stack.sockets if not each.so_reuseport and (each.path or each.port)]
    single = len(fixed) == 1
    return tuple(_socket_unit(service, each, single) for each in fixed)


def _socket_unit(service: str, config: SocketConfig, single: bool) -> SocketUnit:
    from circus_stack.arbiter.binding import family_of, resolve
    from circus_stack.moving.systemd.escape import unit_name
    from circus_stack.moving.systemd.units import SocketUnit

    kinds = {"SOCK_STREAM": "ListenStream", "SOCK_DGRAM": "ListenDatagram", "SOCK_SEQPACKET": "ListenSequentialPacket"}
    settings = {} if config.type == "SOCK_DGRAM" else {"Backlog": str(config.backlog)}
    if config.path is not None:
        address = os.path.abspath(config.path)  # noqa: PTH100 - the socket's file need not exist
        owners = {"SocketUser": config.owner, "SocketGroup": config.group}
        settings |= {key: value for key, value in owners.items() if value}
        # As the arbiter would make it, where systemd lets everybody connect.
        settings["SocketMode"] = f"{0o755 if config.mode is None else config.mode:04o}"
    else:
        host = str(resolve(config, config.port)[0])
        address = f"[{host}]:{config.port}" if ":" in host else f"{host}:{config.port}"
        settings |= {"BindIPv6Only": "ipv6-only"} if family_of(config).name == "AF_INET6" else {}
        settings |= {"BindToDevice": config.interface} if config.interface else {}
    return SocketUnit(
        name=f"{service}.socket" if single else f"{unit_name(f'{service}-{config.name}')}.socket",
        service=f"{service}.service",
        socket=config.name,
        kind=kinds[config.type],
        address=address,
        settings=settings,
    )
