"""From a watcher's configuration to the finished plan of one process. Reads nothing but what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from circus_stack.config.expand import command_line, expand
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReadinessForm
from circus_stack.errors import SpawnError
from circus_stack.system.identity import Identity, resolve_identity
from circus_stack.system.spawn import SpawnPlan


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every process of the stack is started with: descriptors, environment, the way to say READY=1."""

    socket_fds: Mapping[str, int]
    environ: Mapping[str, str]
    notify_path: Path
    notify_fd: int


def plan_launch(config: WatcherConfig, wid: int, around: Surroundings, stdout_fd: int, stderr_fd: int) -> SpawnPlan:
    """The plan of the process in slot `wid`; raises SpawnError for an unknown user or an empty command."""
    identity = resolve_identity(config.uid, config.gid)
    env = _environment(config, wid, around, identity)
    argv = _argv(config, wid, around, env)
    inherited = inherited_sockets(config, around.socket_fds) if config.use_sockets else frozenset()
    passed = tuple(fd for name, fd in around.socket_fds.items() if name in inherited)
    if config.ready.form is ReadinessForm.NOTIFY:
        if identity is None:
            env["NOTIFY_SOCKET"] = str(around.notify_path)
        else:
            # Another user can't enter our 0700 directory; through a descriptor that it holds, it needs not to.
            env["NOTIFY_SOCKET"] = f"/proc/self/fd/{around.notify_fd}"
            passed = (*passed, around.notify_fd)
    return SpawnPlan(
        argv=argv,
        env=env,
        cwd=config.working_dir,
        identity=identity,
        pass_fds=passed,
        stdout_fd=stdout_fd,
        stderr_fd=stderr_fd,
        fallback_path=around.environ.get("PATH", ""),
    )


def _argv(config: WatcherConfig, wid: int, around: Surroundings, env: Mapping[str, str]) -> list[str]:
    try:
        argv = command_line(config, wid=wid, socket_fds=around.socket_fds, env=env)
    except ValueError as error:
        raise SpawnError(f"the command {config.cmd!r} cannot be split into words: {error}") from error
    if not argv:
        raise SpawnError("the command is empty")
    return argv


def _environment(config: WatcherConfig, wid: int, around: Surroundings, identity: Identity | None) -> dict[str, str]:
    env = dict(around.environ) if config.copy_env else {}
    # The arbiter's own supervisor is none of a child's business.
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):
        env.pop(name, None)
    if identity is not None and identity.user:
        env.update(HOME=identity.home, USER=identity.user, LOGNAME=identity.user)
    variables = {"circus.wid": str(wid)}
    variables.update((f"circus.sockets.{name}", str(fd)) for name, fd in around.socket_fds.items())
    env.update((name, expand(value, variables)) for name, value in config.env.items())
    return env


def inherited_sockets(config: WatcherConfig, socket_fds: Mapping[str, object]) -> frozenset[str]:
    """The sockets that a watcher which uses sockets gets: those that its command, arguments or environment name, or all
    if it names none. What it doesn't use it shouldn't keep open."""
    text = " ".join((config.cmd, config.args, *config.env.values())).lower()
    named = frozenset(name for name in socket_fds if f"circus.sockets.{name.lower()})" in text)
    return named or frozenset(socket_fds)
