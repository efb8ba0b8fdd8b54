"""From a watcher's configuration to the finished plan of one process. Reads nothing but what it is given."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from circus_stack.arbiter.marker import MARKER_VARIABLE, Marker
from circus_stack.arbiter.posts import Post
from circus_stack.arbiter.site_packages import site_packages
from circus_stack.config.expand import (
    command_line,
    expand,
    mentions_process,
    mentions_variables,
    process_variables,
)
from circus_stack.config.httpd_watcher import NAME as CONSOLE
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReadinessForm
from circus_stack.errors import SpawnError
from circus_stack.system.identity import Identity, resolve_identity
from circus_stack.system.priorities import Priorities
from circus_stack.system.spawn import SpawnPlan

# The number of the first descriptor that a service of systemd inherits: sd_listen_fds(3).
FIRST_LISTEN_FD = 3
# What the arbiter was told by its own supervisor is none of a child's business.
_SUPERVISION = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")

# What chaussette reads; another program may do so, too.
_MAX_REQUESTS, _JITTER = "CHAUSSETTE_MAX_REQUESTS", "CHAUSSETTE_MAX_REQUESTS_JITTER"
# FD:SLOT:GENERATION, what chaussette finds its place on the scoreboard by.
_SCOREBOARD = "CHAUSSETTE_SCOREBOARD"
# PAGE:ALARM, two descriptors that the gate before its sockets is made of.
_GATE = "CHAUSSETTE_GATE"


def _no_lane(socket: str, _watcher: str, _lane: int) -> int:
    raise SpawnError(f"the socket {socket!r} has no lanes")


# What we tell a child ourselves, no file may say.
_OURS = frozenset((*_SUPERVISION, MARKER_VARIABLE, _SCOREBOARD, _GATE))
_NO_SECRETS: Mapping[str, str] = {}


def _no_gate(_config: WatcherConfig) -> tuple[int, int] | None:
    return None


class Surroundings(Struct, frozen=True):
    """What every process of the stack is started with: descriptors, environment, the way to say READY=1, and the id of
    the stack, `instance`.

    Of the sockets in `laned` each process has one of its own: `lane_fd(socket, watcher, lane)` gives it.
    """

    socket_fds: Mapping[str, int]
    environ: Mapping[str, str]
    notify_path: Path
    notify_fd: int
    laned: frozenset[str] = frozenset()
    lane_fd: Callable[[str, str, int], int] = _no_lane
    module_path: Sequence[str] = field(default_factory=lambda: tuple(sys.path))
    instance: str = ""
    scoreboard_fd: int | None = None
    # The descriptors of the gate before a watcher's sockets.
    gate_fds: Callable[[WatcherConfig], tuple[int, int] | None] = _no_gate


class _Sockets(Struct, frozen=True):
    """The sockets of one process: the numbers that it knows them by, and ours of those that it inherits."""

    numbers: Mapping[str, int]
    ours: Mapping[int, int]
    # Those that it is told of as systemd does it, in the order of their numbers.
    offered: tuple[str, ...] = ()


def plan_launch(
    config: WatcherConfig,
    wid: int,
    around: Surroundings,
    stdout_fd: int,
    stderr_fd: int,
    *,
    lane: int = 0,
    token: str = "",
    secrets: Mapping[str, str] = _NO_SECRETS,
    control_groups: tuple[str, ...] = (),
    post: Post | None = None,
) -> SpawnPlan:
    """The plan of the process in slot `wid`; raises SpawnError for an unknown user or an empty command.

    `lane` is its place among its generation, from 0: which of the so_reuseport sockets it gets. `token` is the word in
    its marker that no other process has; without one it has no marker. `secrets` are variables laid over the others;
    no command line can name them, since everybody may read that. `post` is its place on the scoreboard.
    """
    identity = resolve_identity(config.uid, config.gid)
    fds = _fds(config, around, lane)
    sockets = _sockets(config, fds, around.laned)
    known = _known(config, identity)
    env = _environment(config, wid, around, identity, sockets.numbers, known)
    if token:
        env[MARKER_VARIABLE] = _marker(config, wid, around, token)
    inherited = dict(sockets.ours)
    if config.ready.form is ReadinessForm.NOTIFY:
        env["NOTIFY_SOCKET"] = _notify_socket(around, identity, inherited)
    if post is not None and around.scoreboard_fd is not None:
        number = _passed(around.scoreboard_fd, inherited)
        env[_SCOREBOARD] = f"{number}:{post.slot}:{post.generation}"
    gate = around.gate_fds(config)
    if gate is not None:
        env[_GATE] = ":".join(str(_passed(fd, inherited)) for fd in gate)
    if sockets.offered:
        env |= {"LISTEN_FDS": str(len(sockets.offered)), "LISTEN_FDNAMES": ":".join(sockets.offered)}
    return SpawnPlan(
        argv=_argv(config, wid, sockets.numbers, env, known),
        env={**env, **{name: value for name, value in secrets.items() if name not in _OURS}},
        cwd=config.working_dir,
        identity=identity,
        pass_fds=tuple(ours for number, ours in inherited.items() if number == ours),
        stdout_fd=stdout_fd,
        stderr_fd=stderr_fd,
        fallback_path=around.environ.get("PATH", ""),
        stdin_fd=_stdin(config, fds),
        moved_fds={number: ours for number, ours in inherited.items() if number != ours},
        limits=config.rlimits,
        priorities=priorities_of(config),
        tells_pid=bool(sockets.offered),
        control_groups=control_groups,
    )


def have_same_plan(config: WatcherConfig, around: Surroundings) -> bool:
    """Whether the plans of this watcher's processes differ in what `plan_sibling` changes alone."""
    texts = (config.cmd, config.args, config.shell_args, *config.env.values())
    return not around.laned and not any(map(mentions_process, texts))


def plan_sibling(
    plan: SpawnPlan,
    config: WatcherConfig,
    wid: int,
    around: Surroundings,
    stdout_fd: int,
    stderr_fd: int,
    *,
    token: str,
    post: Post | None = None,
) -> SpawnPlan:
    """The plan of the process in slot `wid` made from that of another, which was planned with a token, for a watcher
    with `have_same_plan`: at a fifth of the cost, where hundreds are started."""
    return SpawnPlan(
        argv=plan.argv,
        env={**plan.env, MARKER_VARIABLE: _marker(config, wid, around, token), **_sibling_post(plan, post)},
        cwd=plan.cwd,
        identity=plan.identity,
        pass_fds=plan.pass_fds,
        stdout_fd=stdout_fd,
        stderr_fd=stderr_fd,
        fallback_path=plan.fallback_path,
        stdin_fd=plan.stdin_fd,
        moved_fds=plan.moved_fds,
        limits=plan.limits,
        priorities=plan.priorities,
        tells_pid=plan.tells_pid,
        control_groups=plan.control_groups,
    )


def is_told_of_post(plan: SpawnPlan, post: Post | None) -> bool:
    """Whether a sibling of that plan's process could be told of its post: one that was made while the scoreboard was
    full has no descriptor of it to go by."""
    return post is None or _SCOREBOARD in plan.env


def _marker(config: WatcherConfig, wid: int, around: Surroundings, token: str) -> str:
    marker = str(Marker(around.instance, config.name, wid, token))
    outer = around.environ.get(MARKER_VARIABLE)
    return f"{outer} {marker}" if outer else marker


def priorities_of(config: WatcherConfig) -> Priorities | None:
    """What a watcher's processes are to have; None where it says nothing of that."""
    found = Priorities(config.nice, config.ionice, config.oom_score_adj, config.cpu_affinity)
    return found if found.is_any else None


def _sibling_post(plan: SpawnPlan, post: Post | None) -> dict[str, str]:
    """Where a process finds its place, as its sibling finds another one: by the same descriptor."""
    text = plan.env.get(_SCOREBOARD)
    if text is None:
        return {}
    number = text.partition(":")[0]
    # Empty where the board is full by now: no place.
    return {_SCOREBOARD: "" if post is None else f"{number}:{post.slot}:{post.generation}"}


# -- sockets ------------------------------------------------------------------------------------------------------


def _fds(config: WatcherConfig, around: Surroundings, lane: int) -> Mapping[str, int]:
    """Our descriptor of each socket, those of its lane among them that the process will have."""
    if not around.laned:
        return around.socket_fds
    wanted = inherited_sockets(config, around.socket_fds, around.laned) if config.use_sockets else frozenset()
    return {
        name: around.lane_fd(name, config.name, lane) if name in around.laned and name in wanted else fd
        for name, fd in around.socket_fds.items()
    }


def _sockets(config: WatcherConfig, fds: Mapping[str, int], laned: frozenset[str]) -> _Sockets:
    if not config.use_sockets:
        return _Sockets(fds, {})
    inherited = inherited_sockets(config, fds, laned)
    passed = {name: fd for name, fd in fds.items() if name in inherited}
    if not config.listen_fds:
        return _Sockets(fds, {fd: fd for fd in passed.values()})
    listed = _listed(config)
    offered = tuple(name for name in passed if config.listen_fds is True or name.lower() in listed)
    # What is offered comes first: it is known by its number alone.
    order = (*offered, *(name for name in passed if name not in offered))
    numbers = {name: FIRST_LISTEN_FD + index for index, name in enumerate(order)}
    return _Sockets(numbers, {numbers[name]: passed[name] for name in order}, offered)


def _listed(config: WatcherConfig) -> frozenset[str]:
    """The names of those that `listen_fds` lists, in lower case."""
    return frozenset(map(str.lower, config.listen_fds)) if isinstance(config.listen_fds, tuple) else frozenset()


def inherited_sockets(config: WatcherConfig, socket_fds: Mapping[str, object], laned: frozenset[str]) -> frozenset[str]:
    """The sockets that a watcher which uses sockets gets: those that its command, arguments, environment or
    `listen_fds` name. If they name none, all but those in `laned`: the kernel would send connections to a socket of the
    process's own, which nobody may serve; nor that of the console. What it doesn't use it shouldn't keep open."""
    text = " ".join((config.cmd, config.args, *config.env.values())).lower()
    listed = _listed(config)
    named = frozenset(
        name for name in socket_fds if name.lower() in listed or f"circus.sockets.{name.lower()})" in text
    )
    return named or frozenset(socket_fds) - laned - {CONSOLE}


def _notify_socket(around: Surroundings, identity: Identity | None, inherited: dict[int, int]) -> str:
    if identity is None:
        return str(around.notify_path)
    # Another user can't enter our 0700 directory; through a descriptor that it holds, it needs not to.
    return f"/proc/self/fd/{_passed(around.notify_fd, inherited)}"


def _passed(fd: int, inherited: dict[int, int]) -> int:
    """The number under which a process inherits `fd`: the same, unless it knows something else by that."""
    number = max((*inherited, FIRST_LISTEN_FD - 1)) + 1 if fd in inherited else fd
    inherited[number] = fd
    return number


def _stdin(config: WatcherConfig, fds: Mapping[str, int]) -> int | None:
    if config.stdin_socket is not None:
        found = {name.lower(): fd for name, fd in fds.items()}.get(config.stdin_socket.lower())
        if found is None:
            raise SpawnError(f"stdin_socket: there is no socket named {config.stdin_socket!r}")
        return found
    return None if config.close_child_stdin else 0


# -- words and environment ----------------------------------------------------------------------------------------


def _argv(
    config: WatcherConfig, wid: int, numbers: Mapping[str, int], env: Mapping[str, str], known: Mapping[str, str]
) -> list[str]:
    try:
        argv = command_line(config, wid=wid, socket_fds=numbers, env=env, known=known)
    except ValueError as error:
        raise SpawnError(f"the command {config.cmd!r} cannot be split into words: {error}") from error
    if not argv:
        raise SpawnError("the command is empty")
    return argv


def _known(config: WatcherConfig, identity: Identity | None) -> dict[str, str]:
    """Users and groups as numbers, as Circus has them."""
    if identity is None:
        return {}
    known = {} if config.uid is None else {"circus.uid": str(identity.uid)}
    return known if config.gid is None else {**known, "circus.gid": str(identity.gid)}


def _environment(
    config: WatcherConfig,
    wid: int,
    around: Surroundings,
    identity: Identity | None,
    numbers: Mapping[str, int],
    known: Mapping[str, str],
) -> dict[str, str]:
    env = dict(around.environ) if config.copy_env else {}
    for name in (*_SUPERVISION, _SCOREBOARD, _GATE):
        env.pop(name, None)
    if config.max_requests:
        env |= {_MAX_REQUESTS: str(config.max_requests), _JITTER: str(config.max_requests_jitter)}
    if identity is not None and identity.user:
        env.update(HOME=identity.home, USER=identity.user, LOGNAME=identity.user)
    if config.copy_path:
        env["PYTHONPATH"] = os.pathsep.join(around.module_path)
    own = config.env
    if any(map(mentions_variables, own.values())):
        everything = {**env, **own}
        variables = {**process_variables(config, wid=wid, socket_fds=numbers, env=everything), **known}
        own = {name: expand(value, variables) for name, value in own.items()}
    env.update(own)
    if config.virtualenv is not None:
        found = site_packages(config.virtualenv, config.virtualenv_py_ver)
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (env.get("PYTHONPATH"), *found)))
    return env
