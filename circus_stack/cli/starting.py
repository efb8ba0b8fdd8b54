"""From a program's flags to a running daemon: what `serve` and `circusd` share, and what they say when it fails.

Exit status: 0 after a stop that was asked for, 1 for a start that the machine refused, 2 for a wrong configuration, 3
where a watcher was given up with which the stack is to end (`exit_on_failed`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from circus_stack.cli.console_line import console_line
from circus_stack.cli.descriptors import look_at_descriptors
from circus_stack.cli.garbage_log import watch_garbage
from circus_stack.cli.own_log import OwnLog, open_own_log
from circus_stack.cli.show import Show, names_of, show_circusd, show_serve
from circus_stack.config.render import render
from circus_stack.config.schema import CircusConfig, StackConfig
from circus_stack.daemon import Bound, Daemon, Setting, arrange, bind
from circus_stack.daemon.handover.program import Program
from circus_stack.daemon.handover.record import HandoverRecord
from circus_stack.errors import CircusStackError, ConfigError, StackFailedError
from circus_stack.protocol.rundir import RuntimePaths, runtime_paths, runtime_root, stack_id, state_directory
from circus_stack.services import Arrangement
from circus_stack.system.daemonize import Detachment, daemonize
from circus_stack.system.open_files import most_open_files, raise_open_files
from circus_stack.system.reexec import Handover, own_command
from circus_stack.system.signals import hold_signals, release_signals
from circus_stack.system.standard_files import open_standard_files

REFUSED, MISCONFIGURED, FAILED = 1, 2, 3


class Start(Struct, frozen=True, kw_only=True):
    """What the command line asked for. `source` identifies the stack, `read` reads its configuration; `program` is
    whose command line it was: `circusd` prints as Circus does. `handover` is what an upgrade started the program with.
    """

    source: str
    read: Callable[[], StackConfig]
    rereads_on_hup: bool
    adopts: bool = True
    watches_sources: bool = False
    dry_run: bool = False
    daemonize: bool = False
    log_format: str = "text"
    log_output: str | None = None
    logger_config: str | None = None
    program: str = "circus-stack"
    handover: Handover | None = None


def start(wanted: Start) -> int:
    """Run the stack to its end; the exit status. Of a program that was executed anew by an upgrade, go on with it."""
    open_standard_files()
    if wanted.handover is not None:
        from circus_stack.cli.resuming import resume

        return resume(wanted, wanted.handover)
    raise_open_files()
    detachment = None
    try:
        if wanted.daemonize and not wanted.dry_run:
            _check_detachable()
            detachment = daemonize()
        return _start(wanted, detachment)
    except ConfigError as error:
        return _refuse(wanted, _explain(error), MISCONFIGURED, detachment)
    except StackFailedError as error:
        return _refuse(wanted, str(error), FAILED, detachment)
    except CircusStackError as error:
        return _refuse(wanted, str(error), REFUSED, detachment)


def _check_detachable() -> None:
    # Its hub, its threads and its watchers of file descriptors do not live through a fork.
    if "gevent" in sys.modules:
        raise CircusStackError("cannot go into the background: gevent is loaded already, and does not survive a fork")


def _explain(error: ConfigError) -> str:
    count = len(error.problems)
    mistakes = "one mistake" if count == 1 else f"{count} mistakes"
    return "\n".join([f"{mistakes} in the configuration; nothing was started", *map(str, error.problems)])


def _refuse(wanted: Start, text: str, status: int, detachment: Detachment | None) -> int:
    for line in text.splitlines():
        sys.stderr.write(f"{wanted.program}: {line}\n")
    sys.stderr.flush()
    if detachment is not None:
        detachment.fail(status)
    return status


def _start(wanted: Start, detachment: Detachment | None) -> int:
    stack = wanted.read()
    setting = _setting(wanted, stack)
    arrangement = _warned(arrange(setting))
    if wanted.dry_run:
        sys.stdout.write(render(arrangement.stack))
        return 0
    if arrangement.stack.circus.umask is not None:
        # Before the first file is made: a socket's, a log's.
        os.umask(arrangement.stack.circus.umask)
    log = _own_log(wanted, arrangement.stack)
    # From here on there is something to clean up: a signal waits until the daemon can answer it.
    hold_signals()
    try:
        bound = bind(setting, arrangement)
    except BaseException:
        release_signals()
        raise
    try:
        return run_bound(wanted, setting, bound, log, detachment=detachment)
    finally:
        if log is not None:
            log.close()


def _own_log(wanted: Start, stack: StackConfig) -> OwnLog | None:
    if wanted.program != "circusd":
        return None
    return open_own_log(stack.circus, log_output(wanted, stack), wanted.logger_config)


def log_output(wanted: Start, stack: StackConfig) -> str:
    """Where circusd itself speaks."""
    return wanted.log_output or stack.circus.logoutput


def _warned(arrangement: Arrangement) -> Arrangement:
    stack = arrangement.stack
    warnings = look_at_descriptors(stack, most_open_files())
    return replace(arrangement, stack=stack.with_warnings((*stack.warnings, *warnings)))


def _setting(wanted: Start, stack: StackConfig) -> Setting:
    circus = stack.circus
    return Setting(
        paths=_runtime_paths(wanted.source, circus.runtime_dir),
        state_dir=_state_dir(wanted.source, circus.state_dir),
        source=wanted.source,
        read=wanted.read,
        environ=dict(os.environ),
        rereads_on_hup=wanted.rereads_on_hup,
        adopts=wanted.adopts,
    )


def _runtime_paths(source: str, runtime_dir: str | None) -> RuntimePaths:
    if runtime_dir is not None:
        return RuntimePaths(Path(runtime_dir).absolute())
    root = runtime_root(os.environ, os.geteuid(), Path(tempfile.gettempdir()))
    return runtime_paths(root, stack_id(source))


def _state_dir(source: str, state_dir: str | None) -> Path:
    return Path(state_dir).absolute() if state_dir else state_directory(os.environ, Path.home(), stack_id(source))


def run_bound(
    wanted: Start,
    setting: Setting,
    bound: Bound,
    log: OwnLog | None,
    *,
    detachment: Detachment | None = None,
    resumed: HandoverRecord | None = None,
) -> int:
    """Run what is bound to its end, and show it; the exit status."""
    circus = bound.stack.circus
    show = _show(wanted, bound, log, resumed, setting.state_dir)
    setting = replace(
        setting,
        stdout=show.terminal.stdout,
        stderr=show.terminal.stderr,
        on_event=show.on_event,
        on_up=show.on_up,
        on_drop=show.on_drop,
        on_bound=detachment.succeed if detachment is not None else lambda: None,
        alongside=_watch(bound.stack) if wanted.watches_sources else None,
        program=Program(command=tuple(own_command()), environ=setting.environ, flush=show.terminal.flush),
    )
    try:
        asyncio.run(_watched(Daemon(setting, bound, resumed), circus), debug=circus.debug or None)
    finally:
        show.terminal.close()
    return 0


async def _watched(daemon: Daemon, circus: CircusConfig) -> None:
    """Run the daemon, and tell of collections of garbage where that is asked for."""
    end = watch_garbage(asyncio.get_running_loop().call_soon_threadsafe) if circus.debug_gc else None
    try:
        await daemon.run()
    finally:
        # Everything is gone: one Ctrl-C too many must not turn that into a failure.
        hold_signals()
        if end is not None:
            end()


def _show(wanted: Start, bound: Bound, log: OwnLog | None, resumed: HandoverRecord | None, state_dir: Path) -> Show:
    running = None if resumed is None else names_of(resumed.arbiter)
    is_json, is_circus = wanted.log_format == "json", wanted.program == "circusd"
    is_watched = not wanted.daemonize and sys.stderr.isatty()
    console = ""
    if running is None:
        # A link lets in whoever reads it: it is for a terminal, never for a log.
        may_link = is_watched and not is_json and not is_circus
        console = console_line(bound.stack, bound.views(), state_dir, may_link=may_link)
    if is_circus:
        return show_circusd(bound.stack, log_output(wanted, bound.stack), log, running, console)
    hint = "Ctrl-C stops it" if is_watched else ""
    return show_serve(bound.stack, bound.views(), is_json=is_json, hint=hint, running=running, console=console)


def _watch(stack: StackConfig) -> Callable[[Callable[[], Awaitable[object]]], Coroutine[Any, Any, None]]:
    from circus_stack.cli.source_watch import watch_sources

    file = Path(stack.source)
    directories = [Path.cwd(), *([file.parent] if file.is_file() else [])]
    named = [
        *(Path(each) for each in (stack.web.watch_files if stack.web else ())),
        *(Path(each) for each in stack.files),
    ]
    return partial(watch_sources, directories, named)
