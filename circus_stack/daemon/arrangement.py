"""Before anything runs: the configuration is read and completed, the lock is taken, the sockets are opened."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, structs

from circus_stack import services
from circus_stack.arbiter.activation import Given, take_given
from circus_stack.arbiter.checks import check_launches
from circus_stack.arbiter.hook_loading import check_hooks
from circus_stack.arbiter.secret_environment import open_secrets, with_digest
from circus_stack.arbiter.sockets import ListeningSocket, SocketView, bind_all, restore_sockets
from circus_stack.config.autoscaling import told_of_stats
from circus_stack.config.plugin_watcher import plugin_watcher
from circus_stack.config.schema import CircusConfig, SourceKind, StackConfig, WatcherConfig
from circus_stack.config.stats_watcher import stats_watcher
from circus_stack.control.keyring import check_keys
from circus_stack.daemon.adoption.estate import Estate, claim
from circus_stack.daemon.console import check_console, with_console
from circus_stack.daemon.doorkeeper import near_endpoint
from circus_stack.daemon.handover.record import with_own_types
from circus_stack.daemon.plugin_checks import check_plugins
from circus_stack.daemon.setting import Setting
from circus_stack.errors import CircusStackError, ConfigError, Problem
from circus_stack.protocol.rundir import endpoint_of
from circus_stack.streams.validation import check_watchers, ignored_options
from circus_stack.system.foreign_fds import fd_name
from circus_stack.system.rundir import RuntimeDirectory


class Bound(Struct, frozen=True):
    """A stack that may start: its lock is held, its sockets are bound, its services' files are known. `estate` is what
    an arbiter that was killed has left; `stack` is what its file said then, if there is something to take over."""

    stack: StackConfig
    plans: Mapping[str, services.ServicePlan]
    runtime: RuntimeDirectory
    sockets: dict[str, ListeningSocket]
    estate: Estate = Estate()

    def views(self) -> tuple[SocketView, ...]:
        """What the sockets are bound to."""
        return tuple(each.view() for each in self.sockets.values())

    def release(self) -> None:
        """Give everything back: the stack will not start after all."""
        for each in self.sockets.values():
            each.close()
        self.estate.release()
        self.runtime.release()


def arrange(setting: Setting) -> services.Arrangement:
    """Read the configuration, find the services' binaries, fill in what was left open. Changes nothing.

    Raises CircusStackError, with all problems where the file has some.
    """
    stack = setting.read()
    try:
        stack = dataclasses.replace(stack, circus=_with_endpoints(stack.circus, setting))
    except ValueError as error:
        # A runtime directory whose path is too long for a socket.
        raise CircusStackError(str(error)) from None
    arrangement = services.arrange(
        _with_programs(stack, setting),
        state_dir=setting.state_dir,
        runtime_dir=setting.paths.directory,
        environ=setting.environ,
    )
    stack = arrangement.stack
    problems = [*check_with_system(stack.watchers, stack.kind), *check_plugins(stack.plugins)]
    problems += [*check_keys(stack.circus), *check_console(stack, setting.state_dir)]
    if problems:
        raise ConfigError(problems)
    stack = dataclasses.replace(stack, watchers=tuple(map(with_digest, stack.watchers)))
    stack = stack.with_warnings((*stack.warnings, *open_secrets(stack.watchers)))
    if stack.kind is SourceKind.CIRCUS:
        stack = stack.with_warnings((*stack.warnings, *ignored_options(stack.watchers)))
    return structs.replace(arrangement, stack=stack)


def _with_endpoints(circus: CircusConfig, setting: Setting) -> CircusConfig:
    paths = setting.paths
    return dataclasses.replace(
        circus,
        name=circus.name or Path(setting.source).stem,
        endpoint=circus.endpoint or endpoint_of(paths.control),
        pubsub_endpoint=circus.pubsub_endpoint or endpoint_of(paths.events),
        logs_endpoint=circus.logs_endpoint or endpoint_of(paths.logs),
        stats_endpoint=circus.stats_endpoint or (endpoint_of(paths.stats) if circus.statsd else ""),
        stats_query_endpoint=circus.stats_query_endpoint or (endpoint_of(paths.stats_query) if circus.statsd else ""),
    )


def _with_programs(stack: StackConfig, setting: Setting) -> StackConfig:
    """Each plugin, circusd-stats and the console, as the watcher that it runs in. They need no key: they are programs
    of this user."""
    circus, paths = stack.circus, setting.paths
    near = dataclasses.replace(
        circus,
        endpoint=near_endpoint(circus, circus.endpoint, paths.control),
        pubsub_endpoint=near_endpoint(circus, circus.pubsub_endpoint, paths.events),
    )
    stats_endpoint = near_endpoint(circus, circus.stats_endpoint, paths.stats)
    programs = [plugin_watcher(told_of_stats(plugin, stats_endpoint), near) for plugin in stack.plugins]
    if circus.statsd:
        programs.append(stats_watcher(near, setting.state_dir, paths.directory))
    return with_console(dataclasses.replace(stack, watchers=(*stack.watchers, *programs)), near, setting.state_dir)


def check_with_system(watchers: Sequence[WatcherConfig], kind: SourceKind) -> list[Problem]:
    """What only the system, or the code that a watcher names, can tell to be wrong. Imports the modules of hooks."""
    # It is loaded by who runs an arbiter, not by who imports this.
    from circus_stack.api import alias

    alias.install()
    is_circus = kind is SourceKind.CIRCUS
    return [
        *check_watchers(watchers, refuses_unknown=not is_circus),
        *check_launches(watchers),
        *check_hooks(watchers),
    ]


def bind(setting: Setting, arrangement: services.Arrangement) -> Bound:
    """Take the lock and open the sockets; raises StackRunningError and SocketError, with nothing left behind."""
    runtime = RuntimeDirectory.acquire(setting.paths)
    try:
        estate = _claim(setting)
    except BaseException:
        runtime.release()
        raise
    try:
        # What a supervisor has opened is for the program that it started, not for one that embeds an arbiter.
        given = () if setting.is_embedded else take_given(setting.environ)
        sockets = _open_sockets(arrangement.stack, estate, given)
        return Bound(_resumed(arrangement.stack, estate), arrangement.plans, runtime, sockets, estate)
    except BaseException:
        estate.release()
        runtime.release()
        raise


def _claim(setting: Setting) -> Estate:
    """The ledger, and what it leads to; an arbiter in somebody's program ends with it, and leaves nothing."""
    if setting.is_embedded:
        return Estate()
    return claim(
        setting.state_dir,
        setting.source,
        setting.paths.id,
        adopts=setting.adopts,
        with_own_types=with_own_types,
    )


def _open_sockets(stack: StackConfig, estate: Estate, given: Sequence[Given]) -> dict[str, ListeningSocket]:
    """Bind all, but for those that came back out of living processes. What the file adds is bound later."""
    found = estate.salvage
    if found is None:
        return bind_all(stack.sockets, given)
    taken = restore_sockets(found.arbiter.sockets)
    try:
        return {**bind_all(found.lost, _others(given, taken.values())), **taken}
    except BaseException:
        for each in taken.values():
            each.leave()
        raise


def _others(given: Sequence[Given], taken: Iterable[ListeningSocket]) -> list[Given]:
    """A supervisor that restarts us gives its sockets again: those that came back already are the same ones."""
    names = {fd_name(each.fd) for each in taken}
    others = []
    for each in given:
        if fd_name(each.sock.fileno()) in names:
            each.sock.close()
        else:
            others.append(each)
    return others


def _resumed(stack: StackConfig, estate: Estate) -> StackConfig:
    """What the watchers were declared as when they were left; what holds for the arbiter itself is new."""
    if estate.salvage is None:
        return stack
    declared = estate.salvage.arbiter.declared
    return dataclasses.replace(declared, circus=stack.circus, warnings=stack.warnings)
