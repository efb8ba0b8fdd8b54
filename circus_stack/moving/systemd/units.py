"""The unit of a stack, and those of its sockets, as text. Pure: what depends on the machine comes in as a value.

The choices are explained in `docs/systemd.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from circus_stack.moving.systemd.escape import command_line, escape_value, escape_word

# The arbiter tells of itself twice as often as this; a stack whose loop stands still for so long is restarted.
_WATCHDOG_S = 30
# systemd's own for services, behind the directory of the interpreter.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# A few descriptors a process in the arbiter, which raises its own limit to the hard one; children keep the soft one.
_OPEN_FILES = "1024:524288"
# The status of a configuration with mistakes: another start would find the same.
_MISCONFIGURED = 2


class StackUnit(Struct, frozen=True, kw_only=True):
    """What the unit of a stack is made of. `program` are the words in front of the subcommand, times are seconds;
    `sockets` names the units of its sockets."""

    name: str
    ini: str
    directory: str
    program: Sequence[str]
    bin_directory: str
    start_s: int
    stop_s: int
    is_users: bool = False
    sockets: Sequence[str] = ()


class SocketUnit(Struct, frozen=True, kw_only=True):
    """A listening socket. `kind` is `ListenStream` or its like, `settings` are further lines."""

    name: str
    service: str
    socket: str
    kind: str
    address: str
    settings: Mapping[str, str] = field(default_factory=dict)


def render_service(unit: StackUnit) -> str:
    """The text of NAME.service."""
    target = "default.target" if unit.is_users else "multi-user.target"
    lines = ["[Unit]", f"Description={escape_value(f'The stack of {unit.ini}')}"]
    if not unit.is_users:
        lines += ["Wants=network-online.target", "After=network-online.target"]
    lines += ["", "[Service]", *_running(unit), *_ending(unit)]
    if not unit.is_users:
        lines += _of_the_system(unit)
    lines += ["", "[Install]", f"WantedBy={target}"]
    return "\n".join(lines) + "\n"


def _running(unit: StackUnit) -> list[str]:
    lines = [
        "Type=notify",
        "NotifyAccess=main",
        f"WorkingDirectory={escape_value(unit.directory)}",
        f"Environment={escape_word(f'PATH={unit.bin_directory}:{_PATH}')}",
        f"ExecStart={command_line([*unit.program, 'serve', unit.ini])}",
        f"ExecReload={command_line([*unit.program, 'reload', '--stack', unit.ini])}",
        f"TimeoutStartSec={unit.start_s}",
        f"WatchdogSec={_WATCHDOG_S}",
        f"LimitNOFILE={_OPEN_FILES}",
    ]
    if unit.sockets:
        lines.append(f"Sockets={' '.join(unit.sockets)}")
    return lines


def _ending(unit: StackUnit) -> list[str]:
    return [
        "# The arbiter alone is told to stop, and stops what it has started. Where it is killed its processes",
        "# serve on, and the start that follows takes them over; their cgroups are its own affair.",
        "KillMode=process",
        "Delegate=yes",
        f"TimeoutStopSec={unit.stop_s}",
        "Restart=on-failure",
        "RestartSec=1",
        f"RestartPreventExitStatus={_MISCONFIGURED}",
    ]


def _of_the_system(unit: StackUnit) -> list[str]:
    directory = f"circus-stack/{unit.name}"
    return [
        f"RuntimeDirectory={directory}",
        "RuntimeDirectoryMode=0700",
        "RuntimeDirectoryPreserve=yes",
        f"StateDirectory={directory}",
        "StateDirectoryMode=0700",
        "ProtectSystem=yes",
        "ProtectKernelTunables=yes",
    ]


def render_socket(unit: SocketUnit) -> str:
    """The text of a socket's unit."""
    lines = [
        "[Unit]",
        f"Description={escape_value(f'Socket {unit.socket} of {unit.service}')}",
        "",
        "[Socket]",
        f"{unit.kind}={escape_value(unit.address)}",
        f"FileDescriptorName={escape_value(unit.socket)}",
        f"Service={unit.service}",
        *(f"{key}={escape_value(value)}" for key, value in unit.settings.items()),
        "",
        "[Install]",
        "WantedBy=sockets.target",
    ]
    return "\n".join(lines) + "\n"
