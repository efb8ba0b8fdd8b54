"""What a run shows: the terminal, the voice of the program, the banner, the progress of events; one a program."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from circus_stack import __version__
from circus_stack.arbiter.handover.record import ArbiterRecord
from circus_stack.arbiter.sockets import SocketView
from circus_stack.cli import logging_setup
from circus_stack.cli.banner import BannerInfo, Listening, banner, banner_fields
from circus_stack.cli.own_log import STDERR, OwnLog, level_of
from circus_stack.cli.progress import Progress
from circus_stack.cli.terminal import Terminal, open_json, open_prefixed, open_raw
from circus_stack.cli.voice import Voice, form_for_people, form_json, form_of_circus
from circus_stack.config.httpd_watcher import NAME as CONSOLE
from circus_stack.config.parts import WEB
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.config.values import StreamConfig
from circus_stack.events import Event
from circus_stack.streams.drops import Dropped
from circus_stack.streams.lane import Lane
from circus_stack.streams.output import Console
from circus_stack.streams.place import Place
from circus_stack.streams.registry import plan

# Said where it would have made a difference.
_FAILURE_HINT = (
    "the rest runs on; exit_on_failed = true in [circus] would end the stack instead, as a container needs it"
)


class Show(Struct, frozen=True):
    """The printing side of a run: where output goes, and whom to tell what happens. None of it blocks."""

    terminal: Terminal
    on_event: Callable[[Event], None]
    on_up: Callable[[], None]
    on_drop: Callable[[Dropped], None]


Running = Mapping[int, str] | None
"""The processes of a stack that runs already, `web.1` by pid; None for one that starts."""


def names_of(record: ArbiterRecord) -> Mapping[int, str]:
    """The processes that another arbiter hands over."""
    return {each.pid: f"{watcher.config.name}.{each.wid}" for watcher in record.watchers for each in watcher.processes}


def show_serve(
    stack: StackConfig,
    sockets: tuple[SocketView, ...],
    *,
    is_json: bool,
    hint: str,
    running: Running = None,
    console: str = "",
) -> Show:
    """For `serve`: a banner now, unless the stack runs already, then each step as it happens, all on stderr. `console`
    is what it says of the web console."""
    terminal = (
        open_json() if is_json else open_prefixed(os.environ, {each.name: each.numprocesses for each in stack.watchers})
    )
    form = form_json("circus-stack", os.getpid()) if is_json else form_for_people("circus-stack", terminal.style)
    voice = Voice(terminal.say, form)
    logging_setup.configure(level_of(stack.circus), voice)
    info = _banner_info(stack, sockets, console)
    if running is not None:
        return _show(stack, terminal, voice, running, hint)
    if is_json:
        voice.info("starting", event="banner", **banner_fields(info))
    else:
        terminal.say(banner(info, terminal.style))
    may_go_on = not stack.circus.exit_on_failed
    return _show(stack, terminal, voice, None, hint, _FAILURE_HINT if may_go_on else "")


def show_circusd(
    stack: StackConfig, output: str, log: OwnLog | None, running: Running = None, console: str = ""
) -> Show:
    """For `circusd`: log lines in Circus's form, to `log` or to the file `output`; the processes' output as it is."""
    terminal = open_raw(os.environ)
    if log is not None:
        voice = log.voice()
    else:
        terminal = terminal if output in STDERR else terminal.with_own(_log_file(output))
        voice = Voice(terminal.say, form_of_circus("circusd", os.getpid()))
        logging_setup.configure(level_of(stack.circus), voice)
    if console and running is None:
        voice.info(f"web console: {console}")
    return _show(stack, terminal, voice, running)


def _show(
    stack: StackConfig, terminal: Terminal, voice: Voice, running: Running, hint: str = "", failure_hint: str = ""
) -> Show:
    starting: Mapping[str, int] = {}
    if running is None:
        for warning in stack.warnings:
            voice.warn(str(warning))
        starting = {watcher.name: watcher.numprocesses for watcher in stack.watchers if watcher.autostart}
    progress = Progress(
        voice, watchers=starting, began=time.time(), hint=hint, names=running, failure_hint=failure_hint
    )
    return Show(terminal, progress.handle, lambda: progress.announce_up(time.time()), progress.note_drop)


def _log_file(path: str) -> Lane:
    # One that is moved away, by logrotate, is made again.
    file = plan(StreamConfig("WatchedFileStream", {"filename": path}))
    return Lane(file.open(Place("", "stderr", Console.of_process())), name=path)


def _banner_info(stack: StackConfig, sockets: Iterable[SocketView], console: str) -> BannerInfo:
    services = {service.name for service in stack.services}
    web = stack.web
    return BannerInfo(
        version=__version__,
        pid=os.getpid(),
        source=stack.source,
        app=web.app if web else "",
        backend=web.backend if web else "",
        workers=web.workers if web else 0,
        threads=web.threads if web else None,
        scaled=next((str(each.scale_range or "") for each in stack.watchers if each.name == WEB), ""),
        sockets=[Listening(each.name, each.host, each.port, each.path) for each in sockets if each.name != CONSOLE],
        services=[each.name for each in stack.watchers if each.name in services],
        watchers=[_described(each) for each in stack.watchers if each.name not in {*services, WEB, CONSOLE}],
        endpoint=stack.circus.endpoint,
        console=console,
    )


def _described(watcher: WatcherConfig) -> str:
    if watcher.scale_range is not None:
        return f"{watcher.name} x {watcher.scale_range}"
    return watcher.name if watcher.numprocesses == 1 else f"{watcher.name} x {watcher.numprocesses}"
