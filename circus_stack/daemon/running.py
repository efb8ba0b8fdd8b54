"""One run of a stack: builds everything, connects it, runs it, and takes it down in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import zmq

from circus_stack import __version__, services
from circus_stack.arbiter.arbiter import Arbiter
from circus_stack.arbiter.control_groups import ControlGroups
from circus_stack.arbiter.kinship import Kinship
from circus_stack.arbiter.launch import Surroundings
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.pulse import Pulse
from circus_stack.arbiter.run_book import RunBook
from circus_stack.arbiter.signal_desk import SignalDesk
from circus_stack.arbiter.sockets import fds, lane_fd, laned, settle_lanes
from circus_stack.config.chaussette_command import backend_of
from circus_stack.config.schema import CircusConfig, WatcherConfig
from circus_stack.control.desk import Offices, Saved
from circus_stack.control.discovery import Discovery
from circus_stack.control.log_publisher import LogPublisher
from circus_stack.control.publisher import Publisher
from circus_stack.control.server import ControlServer
from circus_stack.daemon.adoption.carrying_on import announce, carry_on
from circus_stack.daemon.adoption.chronicle import Chronicle
from circus_stack.daemon.arrangement import Bound, arrange, check_with_system
from circus_stack.daemon.aside import aside
from circus_stack.daemon.doorkeeper import Doorkeeper
from circus_stack.daemon.handover.endpoints import at_the_same, bind_patiently, start_patiently
from circus_stack.daemon.handover.record import ControlRecord, HandoverRecord
from circus_stack.daemon.handover.state import Whole, notify_fds, started_at, upgraded
from circus_stack.daemon.handover.upgrade import Upgrade
from circus_stack.daemon.reporting import Reporting
from circus_stack.daemon.saving import save
from circus_stack.daemon.setting import Setting
from circus_stack.daemon.shell import DebugShell
from circus_stack.errors import CircusStackError, ConfigError, Problem, SocketError, StackFailedError
from circus_stack.events import Event, LinesDropped, WatcherAdded, WatcherUpdated
from circus_stack.protocol.record import StackRecord, encode_record
from circus_stack.streams.drops import Dropped
from circus_stack.streams.streams import Streams
from circus_stack.streams.tail import LiveTail
from circus_stack.streams.validation import unknown_changes
from circus_stack.system.descent import become_subreaper
from circus_stack.system.notify import NotifySocket
from circus_stack.system.pidfile import PidFile
from circus_stack.system.reaper import Reaper
from circus_stack.system.service_manager import ServiceManager
from circus_stack.system.sweep import sweep_descendants

log = logging.getLogger(__name__)


class Daemon:
    """One run of a stack, from `bind` to the end. With `resumed` it goes on where another one was."""

    def __init__(self, setting: Setting, bound: Bound, resumed: HandoverRecord | None = None) -> None:
        self._setting = setting
        self._resumed = resumed or bound.estate.resumed()
        # Until then nothing may be ended: what couldn't be taken over lives on, for whoever starts next.
        self._is_begun = self._resumed is None
        self._bound = bound
        self._background_tasks: set[asyncio.Task[object]] = set()
        self._fqdn = socket.gethostname()
        self._started_at = started_at(resumed)
        # What the files say is read, applied and written by one at a time.
        self._configuring = asyncio.Lock()

    async def run(self) -> None:
        """Run until a signal or a client asks to quit; everything is taken down then. Raises CircusStackError; one of
        them, StackFailedError, where a watcher was given up with which the stack is to end."""
        try:
            with contextlib.ExitStack() as teardown:
                self._build(teardown)
                await self._serve()
        finally:
            if self._is_begun:
                self._bound.release()
        collapse = self._arbiter.oversight.collapse
        if collapse is not None:
            raise StackFailedError(collapse.watcher, collapse.reason)

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
            loop,
            setting.paths.notify,
            lambda pid, fields: self._arbiter.notified(pid, fields),
            resumed=notify_fds(self._resumed),
        )
        teardown.callback(self._notify.close)
        self._chronicle = Chronicle(self._bound.estate, loop)
        teardown.callback(self._chronicle.close)
        self._build_streams(loop)
        self._build_arbiter(loop, teardown)
        manager = ServiceManager(loop, {} if setting.is_embedded else setting.environ)
        self._reporting = Reporting(loop, manager, lambda: self._arbiter.statuses())
        teardown.callback(self._reporting.close)
        self._reporting.open()
        self._control_parts = teardown.enter_context(contextlib.ExitStack())
        self._build_control(circus, None if self._resumed is None else self._resumed.control)
        teardown.enter_context(self._pidfile(circus))
        self._reaper.start()
        if threading.current_thread() is threading.main_thread():
            SignalDesk(loop, self._arbiter, self._reload_on_hup, self._upgrade.on_signal).open()

    def _build_streams(self, loop: asyncio.AbstractEventLoop) -> None:
        self._tail = LiveTail()
        self._streams = Streams(
            loop=loop,
            tail=self._tail,
            on_drop=self._lines_dropped,
            stdout=self._setting.stdout,
            stderr=self._setting.stderr,
            sink_timeout_s=self._bound.stack.circus.sink_timeout,
            spool=self._bound.estate.open_spool(),
        )
        if self._resumed is not None:
            self._streams.restore(self._resumed.configs(), self._resumed.streams)
            return
        for watcher in self._bound.stack.watchers:
            self._streams.configure(watcher)

    def _build_arbiter(self, loop: asyncio.AbstractEventLoop, teardown: contextlib.ExitStack) -> None:
        sockets, pulse = self._bound.sockets, Pulse()
        pulse.listen(self._chronicle.look)
        means = Means(
            loop=loop,
            reaper=self._reaper,
            kinship=Kinship(loop, self._reaper, adopts_orphans=not self._setting.is_embedded),
            pulse=pulse,
            open_capture=self._streams.open,
            publish=self._publish,
            hear=self._notify.drain,
            book=RunBook(self._setting.state_dir / "runs.json"),
            on_gone=self._streams.forget,
            surroundings=lambda: Surroundings(
                fds(sockets),
                self._setting.environ,
                self._notify.path,
                self._notify.path_fd,
                laned(sockets),
                partial(lane_fd, sockets),
                instance=self._setting.paths.id,
            ),
            settle_lanes=partial(settle_lanes, sockets),
            control_groups=ControlGroups(self._setting.paths.id),
            notes=self._chronicle,
        )
        means.control_groups.close()
        teardown.callback(means.control_groups.close)
        resumed = None if self._resumed is None else self._resumed.arbiter
        self._arbiter = Arbiter(self._bound.stack, sockets, means, resumed)
        self._chronicle.open(self._arbiter.books(), self._resumed)
        self._whole = Whole(
            setting=self._setting,
            runtime=self._bound.runtime,
            notify=self._notify,
            arbiter=self._arbiter,
            streams=self._streams,
            control=lambda: (self._control.endpoint, self._publisher, self._log_publisher),
            started_at=self._started_at,
            ledger_lock_fd=self._bound.estate.lock_fd,
        )
        self._upgrade = Upgrade(
            self._whole,
            self._reaper,
            close_control=self._close_control,
            open_control=self._reopen_control,
            is_configuring=self._configuring.locked,
        )

    def _build_control(self, circus: CircusConfig, resumed: ControlRecord | None) -> None:
        """Bind the endpoints; those of another arbiter, where it goes on from one, at the same addresses."""
        self._is_again = resumed is not None
        if resumed is None:
            self._bind_control(circus)
            return
        circus = at_the_same(circus, resumed)
        bind_patiently(lambda: self._bind_control(circus), self._control_parts.close)
        self._publisher.seq = resumed.seq
        self._log_publisher.restore(resumed.log_seq, resumed.log_topics)

    async def _close_control(self) -> None:
        await self._control.aclose("the arbiter was upgraded meanwhile: `jobs` tells what became of it")
        self._control_parts.close()

    async def _reopen_control(self) -> None:
        """There was no upgrade after all."""
        self._build_control(self._bound.stack.circus, self._whole.control_state())
        await self._open_control()

    def _bind_control(self, circus: CircusConfig) -> None:
        teardown = self._control_parts
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        # Not term(): that would wait for ever for a socket that an error left open.
        teardown.callback(context.destroy, 500)
        owner, paths = circus.endpoint_owner, self._setting.paths
        self._doors = doors = Doorkeeper(asyncio.get_running_loop(), context, circus)
        teardown.callback(doors.close)
        self._publisher = Publisher(
            endpoint=circus.pubsub_endpoint, context=context, owner=owner, guard=doors.guard(paths.events)
        )
        teardown.callback(self._publisher.close)
        self._log_publisher = LogPublisher(
            self._tail, endpoint=circus.logs_endpoint, context=context, owner=owner, guard=doors.guard(paths.logs)
        )
        teardown.callback(self._log_publisher.close)
        doors.on_revoked += [self._publisher.hang_up, self._log_publisher.hang_up]
        shell = DebugShell({"arbiter": self._arbiter, "streams": self._streams})
        self._control = ControlServer(
            endpoint=circus.endpoint,
            context=context,
            arbiter=self._arbiter,
            tail=self._tail,
            reconfigure=self._reconfigure,
            authority=doors.authority,
            guard=doors.guard(paths.control),
            offices=Offices(
                global_options=self._global_options,
                labels=self._labels,
                seq=lambda: self._publisher.seq,
                check_watcher=self._check_watcher,
                endpoint_owner=lambda: owner,
                dropped_lines=self._streams.dropped_lines,
                save=self._save,
                upgrade=self._upgrade.run,
                open_shell=lambda: shell.open(is_debug=circus.debug),
            ),
        )
        self._build_discovery(circus, teardown)

    def _build_discovery(self, circus: CircusConfig, teardown: contextlib.ExitStack) -> None:
        if not circus.multicast_endpoint:
            return
        try:
            discovery = Discovery(asyncio.get_running_loop(), circus.multicast_endpoint, lambda: self._control.endpoint)
        except SocketError as error:
            # A machine without a network has no multicast; who knows the endpoint does without.
            log.warning("nobody can discover this stack: %s", error)
        else:
            teardown.callback(discovery.close)

    def _check_watcher(self, config: WatcherConfig) -> list[Problem]:
        problems = check_with_system((config,), self._arbiter.stack.kind)
        if config.name in self._arbiter.names() and not problems:
            problems = unknown_changes(self._arbiter.config(config.name), config)
        return problems

    def _global_options(self) -> Mapping[str, object]:
        """What `globaloptions` sends beside the endpoint."""
        circus = self._arbiter.stack.circus
        return {
            "check_delay": circus.check_delay,
            "pubsub_endpoint": self._publisher.endpoint,
            "stats_endpoint": circus.stats_endpoint,
            "multicast_endpoint": circus.multicast_endpoint or "",
            "logs_endpoint": self._log_publisher.endpoint,
            "fqdn": f"{circus.fqdn_prefix}@{self._fqdn}" if circus.fqdn_prefix else self._fqdn,
        }

    def _find_name(self) -> None:
        """The machine's whole name. Whoever is asked for it may take his time: the end doesn't wait for him."""
        self._fqdn = socket.getfqdn()

    def _record(self) -> StackRecord:
        """What clients find us by: endpoints as they were bound, with the port that the kernel gave for 0."""
        return StackRecord(
            id=self._setting.paths.id,
            name=self._bound.stack.circus.name,
            source=self._setting.source,
            pid=os.getpid(),
            started_at=self._started_at,
            endpoint=self._control.near_endpoint,
            pubsub_endpoint=self._publisher.near_endpoint,
            logs_endpoint=self._log_publisher.near_endpoint,
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
            await self._begin()
            self._is_begun = True
            if not self._arbiter.is_quitting:
                await self._arbiter.run(self._up, self._reporting.ending)
        finally:
            if self._is_begun:
                await self._end()

    async def _begin(self) -> None:
        if self._resumed is None:
            await self._place()
        await self._open_control()
        if self._resumed is not None and self._resumed.place is not None:
            self._publish(upgraded(self._resumed))
        if self._resumed is not None:
            # It was up before: the manager hears of the new code that it is so still.
            self._reporting.up()
        self._setting.on_bound()
        self._begin_adoption()
        if self._setting.alongside is not None:
            alongside = self._setting.alongside(partial(self._reconfigure, roll=True, dry_run=False))
            self._background(alongside, "what runs alongside")
        self._background(self._sweep_now_and_then(), "the safety sweep")
        threading.Thread(target=self._find_name, name="circus-fqdn", daemon=True).start()

    async def _end(self) -> None:
        for task in tuple(self._background_tasks):
            task.cancel()
        if not self._setting.is_embedded:
            await sweep_descendants(self._arbiter.released | self._arbiter.spared())
        await self._streams.aclose()
        await self._control.aclose()

    def _up(self) -> None:
        self._setting.on_up()
        self._reporting.up()

    def _begin_adoption(self) -> None:
        """Carry on what was under way when the arbiter before was killed."""
        found = self._bound.estate.salvage
        if found is not None:
            announce(found, self._publish, time.time())
            again = partial(self._reconfigure, roll=False, dry_run=False)
            self._background(carry_on(found, self._arbiter, again, self._setting.on_up), "carrying on")

    async def _place(self) -> None:
        """Before anybody can ask for a start: no service may run without its files."""
        for plan in self._bound.plans.values():
            await asyncio.to_thread(services.place, plan)

    async def _open_control(self) -> None:
        await start_patiently(self._control.start) if self._is_again else await self._control.start()
        # Only now can a client that finds the record also reach us.
        self._bound.runtime.write_record(encode_record(self._record()))

    async def _sweep_now_and_then(self) -> None:
        """Circus's check_delay: exits are seen at once without it, it only bounds what a missed wake-up could cost."""
        while True:
            await asyncio.sleep(max(0.1, self._arbiter.stack.circus.check_delay))
            self._arbiter.sweep()

    def _publish(self, event: Event) -> None:
        """To everybody who listens. One that fails must not keep the arbiter from what it is about to do."""
        told = (
            self._follow_watchers,
            self._chronicle.follow,
            self._publisher.publish,
            self._setting.on_event,
            self._reporting.on_event,
        )
        for listener in told:
            try:
                listener(event)
            except Exception:
                log.exception("%s could not be told to %s", event, listener)

    def _lines_dropped(self, dropped: Dropped) -> None:
        self._setting.on_drop(dropped)
        # Without a watcher they were words of our own.
        if dropped.watcher:
            reason = f"{dropped.sink} {dropped.reason}"
            self._publish(
                LinesDropped(
                    watcher=dropped.watcher,
                    time=time.time(),
                    stream=dropped.stream,
                    count=dropped.lines,
                    reason=reason,
                )
            )

    def _follow_watchers(self, event: Event) -> None:
        """Streams know watchers as long as the arbiter does, and with the options that they have there."""
        if isinstance(event, WatcherAdded | WatcherUpdated):
            self._configure_streams(event.watcher)

    def _configure_streams(self, name: str) -> None:
        try:
            self._streams.configure(self._arbiter.config(name))
        except ConfigError as error:
            log.error("the output of %s goes where it went before:\n%s", name, error)

    def _labels(self, watcher: str) -> Mapping[str, str]:
        config = self._arbiter.config(watcher)
        backend = backend_of(f"{config.cmd} {config.args}")
        return {"backend": backend} if backend else {}

    def _reload_on_hup(self) -> None:
        if self._setting.rereads_on_hup:
            self._background(self._reread(), "the reload on SIGHUP")
        else:
            self._background(self._doors.reread(), "the reading of the keys")
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
        async with self._configuring, self._reporting.reloading(is_real=not dry_run):
            arrangement = await aside("reading the configuration", partial(arrange, self._setting))
            lines = self._arbiter.plan(arrangement.stack)
            if dry_run:
                return lines
            await self._doors.reread()
            for plan in arrangement.plans.values():
                await asyncio.to_thread(services.place, plan)
            await self._arbiter.apply(arrangement.stack, roll=roll)
        self._streams.sink_timeout_s = arrangement.stack.circus.sink_timeout
        for name in self._arbiter.names():
            self._configure_streams(name)
        return lines

    async def _save(self) -> Saved:
        """Write what was changed at run time into the files. They are read before and after: what they say is known."""
        async with self._configuring:
            found = (await aside("reading the configuration", partial(arrange, self._setting))).stack
            arbiter = self._arbiter
            saved = await asyncio.to_thread(save, found, arbiter.stack, arbiter.running().watchers)
            arbiter.declare((await aside("reading the configuration", partial(arrange, self._setting))).stack)
        return saved
