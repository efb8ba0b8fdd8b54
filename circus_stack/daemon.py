"""The composition root: a configuration in, a running arbiter with its sockets, streams and control out.

Nothing is decided here; everything is built, connected, run and taken down in order. What fails before `run` has
started nothing and left nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import zmq

from circus_stack import __version__, services
from circus_stack.arbiter.arbiter import Arbiter
from circus_stack.arbiter.checks import check_identities
from circus_stack.arbiter.launch import Surroundings
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.pulse import Pulse
from circus_stack.arbiter.signal_desk import SignalDesk
from circus_stack.arbiter.sockets import ListeningSocket, SocketView, bind_all, fds
from circus_stack.config.chaussette_command import backend_of
from circus_stack.config.diff import diff
from circus_stack.config.schema import CircusConfig, StackConfig
from circus_stack.control.log_publisher import LogPublisher
from circus_stack.control.publisher import Publisher
from circus_stack.control.server import ControlServer
from circus_stack.errors import CircusStackError, ConfigError
from circus_stack.events import Event, WatcherRemoved
from circus_stack.protocol.record import StackRecord, encode_record
from circus_stack.protocol.rundir import RuntimePaths, endpoint_of
from circus_stack.streams.drops import Dropped
from circus_stack.streams.lane import Lane
from circus_stack.streams.streams import Streams
from circus_stack.streams.tail import LiveTail
from circus_stack.streams.validation import check_watchers
from circus_stack.system.descent import become_subreaper
from circus_stack.system.notify import NotifySocket
from circus_stack.system.pidfile import PidFile
from circus_stack.system.reaper import Reaper
from circus_stack.system.rundir import RuntimeDirectory
from circus_stack.system.sweep import sweep_descendants

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where and how a stack runs, beside its configuration.

    `read` reads the configuration again, from the same sources; `rereads_on_hup` is what SIGHUP does in `serve`, while
    `circusd` only rolls. `stdout` and `stderr` take the output of processes that no stream option sends elsewhere.
    `on_bound` is called when every address is bound and nothing is started yet, `on_up` when everything has come up or
    was given up; `on_event` sees each event, `on_drop` hears of lost lines. `alongside` runs beside the arbiter until
    its end and may call what it is given: read the configuration again and roll. `is_embedded`: the process is somebody
    else's program, whose own children are neither reaped nor ended, and whose signals are answered in its main thread
    alone.
    """

    paths: RuntimePaths
    state_dir: Path
    source: str
    read: Callable[[], StackConfig]
    environ: Mapping[str, str]
    rereads_on_hup: bool
    is_embedded: bool = False
    stdout: Lane | None = None
    stderr: Lane | None = None
    on_event: Callable[[Event], None] = lambda _event: None
    on_up: Callable[[], None] = lambda: None
    on_drop: Callable[[Dropped], None] = lambda _dropped: None
    on_bound: Callable[[], None] = lambda: None
    alongside: Callable[[Callable[[], Awaitable[object]]], Coroutine[Any, Any, None]] | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A stack that may start: its lock is held, its sockets are bound, its services' files are known."""

    stack: StackConfig
    plans: Mapping[str, services.ServicePlan]
    runtime: RuntimeDirectory
    sockets: dict[str, ListeningSocket]

    def views(self) -> tuple[SocketView, ...]:
        """What the sockets are bound to."""
        return tuple(each.view() for each in self.sockets.values())

    def release(self) -> None:
        """Give everything back: the stack will not start after all."""
        for each in self.sockets.values():
            each.close()
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
        stack, state_dir=setting.state_dir, runtime_dir=setting.paths.directory, environ=setting.environ
    )
    watchers = arrangement.stack.watchers
    problems = [*check_watchers(watchers), *check_identities(watchers)]
    if problems:
        raise ConfigError(problems)
    return arrangement


def _with_endpoints(circus: CircusConfig, setting: Setting) -> CircusConfig:
    paths = setting.paths
    return dataclasses.replace(
        circus,
        name=circus.name or Path(setting.source).stem,
        endpoint=circus.endpoint or endpoint_of(paths.control),
        pubsub_endpoint=circus.pubsub_endpoint or endpoint_of(paths.events),
        logs_endpoint=circus.logs_endpoint or endpoint_of(paths.logs),
    )


def bind(setting: Setting, arrangement: services.Arrangement) -> Bound:
    """Take the lock and open the sockets; raises StackRunningError and SocketError, with nothing left behind."""
    runtime = RuntimeDirectory.acquire(setting.paths)
    try:
        return Bound(arrangement.stack, arrangement.plans, runtime, bind_all(arrangement.stack.sockets))
    except BaseException:
        runtime.release()
        raise


class Daemon:
    """One run of a stack, from `bind` to the end."""

    def __init__(self, setting: Setting, bound: Bound) -> None:
        self._setting = setting
        self._bound = bound
        self._background_tasks: set[asyncio.Task[object]] = set()

    async def run(self) -> None:
        """Run until a signal or a client asks to quit; everything is taken down then. Raises CircusStackError."""
        try:
            with contextlib.ExitStack() as teardown:
                self._build(teardown)
                await self._serve()
        finally:
            self._bound.release()

    # -- building ---------------------------------------------------------------------------------------------

    def _build(self, teardown: contextlib.ExitStack) -> None:
        loop = asyncio.get_running_loop()
        setting, circus = self._setting, self._bound.stack.circus
        if not setting.is_embedded:
            become_subreaper()
        self._reaper = Reaper(
            loop, lambda pid: self._arbiter.stranger_reaped(pid), takes_strangers=not setting.is_embedded
        )
        teardown.callback(self._reaper.close)
        self._notify = NotifySocket(
            loop, setting.paths.directory / "notify", lambda pid, fields: self._arbiter.notified(pid, fields)
        )
        teardown.callback(self._notify.close)
        self._build_streams(loop)
        self._build_arbiter(loop)
        self._build_control(circus, teardown)
        teardown.enter_context(self._pidfile(circus))
        self._reaper.start()
        if threading.current_thread() is threading.main_thread():
            SignalDesk(loop, self._arbiter, self._reload_on_hup).open()

    def _build_streams(self, loop: asyncio.AbstractEventLoop) -> None:
        self._tail = LiveTail()
        self._streams = Streams(
            loop=loop,
            tail=self._tail,
            on_drop=self._setting.on_drop,
            stdout=self._setting.stdout,
            stderr=self._setting.stderr,
            sink_timeout_s=self._bound.stack.circus.sink_timeout,
        )
        for watcher in self._bound.stack.watchers:
            self._streams.configure(watcher)

    def _build_arbiter(self, loop: asyncio.AbstractEventLoop) -> None:
        sockets = self._bound.sockets
        means = Means(
            loop=loop,
            reaper=self._reaper,
            pulse=Pulse(),
            open_capture=self._streams.open,
            publish=self._publish,
            surroundings=lambda: Surroundings(
                fds(sockets), self._setting.environ, self._notify.path, self._notify.path_fd
            ),
        )
        self._arbiter = Arbiter(self._bound.stack, sockets, means)

    def _build_control(self, circus: CircusConfig, teardown: contextlib.ExitStack) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        # Not term(): that would wait for ever for a socket that an error left open.
        teardown.callback(context.destroy, 500)
        self._publisher = Publisher(endpoint=circus.pubsub_endpoint, context=context)
        teardown.callback(self._publisher.close)
        self._log_publisher = LogPublisher(self._tail, endpoint=circus.logs_endpoint, context=context)
        teardown.callback(self._log_publisher.close)
        self._control = ControlServer(
            endpoint=circus.endpoint,
            context=context,
            arbiter=self._arbiter,
            tail=self._tail,
            reconfigure=self._reconfigure,
            global_options=self._global_options,
            labels=self._labels,
            seq=lambda: self._publisher.seq,
        )

    def _global_options(self) -> Mapping[str, object]:
        """What `globaloptions` sends beside the endpoint."""
        circus = self._arbiter.stack.circus
        return {
            "check_delay": circus.check_delay,
            "pubsub_endpoint": self._publisher.endpoint,
            "stats_endpoint": circus.stats_endpoint,
            "logs_endpoint": self._log_publisher.endpoint,
        }

    def _record(self) -> StackRecord:
        """What clients find us by: endpoints as they were bound, with the port that the kernel gave for 0."""
        return StackRecord(
            id=self._setting.paths.id,
            name=self._bound.stack.circus.name,
            source=self._setting.source,
            pid=os.getpid(),
            started_at=time.time(),
            endpoint=self._control.endpoint,
            pubsub_endpoint=self._publisher.endpoint,
            logs_endpoint=self._log_publisher.endpoint,
            version=__version__,
        )

    @contextlib.contextmanager
    def _pidfile(self, circus: CircusConfig) -> Iterator[None]:
        if circus.pidfile is None:
            yield
            return
        pidfile = PidFile(Path(circus.pidfile))
        pidfile.write()
        try:
            yield
        finally:
            pidfile.remove()

    # -- running ----------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        try:
            await self._place()
            await self._open_control()
            if self._setting.alongside is not None:
                alongside = self._setting.alongside(partial(self._reconfigure, roll=True, dry_run=False))
                self._background(alongside, "what runs alongside")
            self._background(self._sweep_now_and_then(), "the safety sweep")
            if self._arbiter.is_quitting:
                return
            await self._arbiter.run(self._setting.on_up)
        finally:
            for task in tuple(self._background_tasks):
                task.cancel()
            if not self._setting.is_embedded:
                await sweep_descendants()
            await self._streams.aclose()
            await self._control.aclose()

    async def _place(self) -> None:
        """Before anybody can ask for a start: no service may run without its files."""
        for plan in self._bound.plans.values():
            await asyncio.to_thread(services.place, plan)

    async def _open_control(self) -> None:
        await self._control.start()
        # Only now can a client that finds the record also reach us.
        self._bound.runtime.write_record(encode_record(self._record()))
        self._setting.on_bound()

    async def _sweep_now_and_then(self) -> None:
        """Circus's check_delay: exits are seen at once without it, it only bounds what a missed wake-up could cost."""
        while True:
            await asyncio.sleep(max(0.1, self._arbiter.stack.circus.check_delay))
            self._arbiter.sweep()

    def _publish(self, event: Event) -> None:
        """To everybody who listens. One that fails must not keep the arbiter from what it is about to do."""
        for listener in (self._forget_removed, self._publisher.publish, self._setting.on_event):
            try:
                listener(event)
            except Exception:
                log.exception("%s could not be told to %s", event, listener)

    def _forget_removed(self, event: Event) -> None:
        if isinstance(event, WatcherRemoved):
            self._streams.forget(event.watcher)

    def _labels(self, watcher: str) -> Mapping[str, str]:
        config = self._arbiter.config(watcher)
        backend = backend_of(f"{config.cmd} {config.args}")
        return {"backend": backend} if backend else {}

    def _reload_on_hup(self) -> None:
        if self._setting.rereads_on_hup:
            self._background(self._reread(), "the reload on SIGHUP")
        else:
            with contextlib.suppress(CircusStackError):
                self._arbiter.reload()

    def _background(self, work: Coroutine[Any, Any, object], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._background_tasks.add(task)
        task.add_done_callback(self._background_done)

    def _background_done(self, task: asyncio.Task[object]) -> None:
        self._background_tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("%s has failed and goes on no more", task.get_name(), exc_info=error)

    # -- another configuration --------------------------------------------------------------------------------

    async def _reread(self) -> None:
        try:
            await self._reconfigure(roll=True, dry_run=False)
        except CircusStackError as error:
            log.error("the configuration was not applied, everything serves on as before:\n%s", error)

    async def _reconfigure(self, *, roll: bool, dry_run: bool) -> tuple[str, ...]:
        """Read the configuration again and go over to it; the lines of the plan."""
        arrangement = await asyncio.to_thread(arrange, self._setting)
        lines = diff(self._arbiter.stack, arrangement.stack).lines()
        if dry_run:
            return lines
        for plan in arrangement.plans.values():
            await asyncio.to_thread(services.place, plan)
        await self._arbiter.apply(arrangement.stack, roll=roll)
        self._streams.sink_timeout_s = arrangement.stack.circus.sink_timeout
        for watcher in arrangement.stack.watchers:
            try:
                self._streams.configure(watcher)
            except ConfigError as error:
                log.error("the output of %s goes where it went before:\n%s", watcher.name, error)
        return lines
