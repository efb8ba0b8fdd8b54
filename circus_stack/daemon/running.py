"""One run of a stack: builds everything, connects it, runs it, and takes it down in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from circus_stack import services
from circus_stack.arbiter.arbiter import Arbiter
from circus_stack.arbiter.control_groups import ControlGroups
from circus_stack.arbiter.kinship import Kinship
from circus_stack.arbiter.launch import Surroundings
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.posts import Posts
from circus_stack.arbiter.pulse import Pulse
from circus_stack.arbiter.run_book import RunBook
from circus_stack.arbiter.signal_desk import SignalDesk
from circus_stack.arbiter.sockets import fds, lane_fd, laned, settle_lanes
from circus_stack.config.schema import CircusConfig
from circus_stack.daemon.adoption.carrying_on import announce, carry_on
from circus_stack.daemon.adoption.chronicle import Chronicle
from circus_stack.daemon.arrangement import Bound
from circus_stack.daemon.background import Background
from circus_stack.daemon.configuring import Configuring
from circus_stack.daemon.gates import make_gates
from circus_stack.daemon.handover.record import HandoverRecord
from circus_stack.daemon.handover.state import Whole, notify_fds, started_at, upgraded
from circus_stack.daemon.handover.upgrade import Upgrade
from circus_stack.daemon.reception import Reception
from circus_stack.daemon.reporting import Reporting
from circus_stack.daemon.scoreboard import open_board
from circus_stack.daemon.setting import Setting
from circus_stack.errors import CircusStackError, StackFailedError
from circus_stack.events import Event, LinesDropped
from circus_stack.streams.drops import Dropped
from circus_stack.streams.streams import Streams
from circus_stack.streams.tail import LiveTail
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
        self._background = Background()
        self._started_at = started_at(resumed)

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
        setting = self._setting
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
        self._chronicle = Chronicle(self._bound.estate, loop, self._reaper, self._bound.stack.circus.fd_keeper)
        teardown.callback(self._chronicle.close)
        self._build_streams(loop)
        self._build_arbiter(loop, teardown)
        manager = ServiceManager(loop, {} if setting.is_embedded else setting.environ)
        self._reporting = Reporting(loop, manager, lambda: self._arbiter.statuses())
        teardown.callback(self._reporting.close)
        self._reporting.open()
        self._build_control(teardown)
        teardown.enter_context(self._pidfile(self._bound.stack.circus))
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
        self._board = board = open_board(self._setting.paths.id, self._resumed)
        if board is not None:
            teardown.callback(board.close)
        self._gates = gates = make_gates(self._setting.paths.id)
        teardown.callback(gates.close)
        means = Means(
            loop=loop,
            reaper=self._reaper,
            kinship=Kinship(loop, self._reaper, adopts_orphans=not self._setting.is_embedded),
            pulse=pulse,
            open_capture=self._streams.open,
            publish=self._publish,
            hear=self._notify.drain,
            book=RunBook(self._setting.state_dir / "runs.json"),
            on_gone=self._forget,
            surroundings=lambda: Surroundings(
                fds(sockets),
                self._setting.environ,
                self._notify.path,
                self._notify.path_fd,
                laned(sockets),
                partial(lane_fd, sockets),
                instance=self._setting.paths.id,
                scoreboard_fd=None if board is None else board.fd,
                gate_fds=gates.fds,
            ),
            posts=Posts(board),
            gates=gates,
            settle_lanes=partial(settle_lanes, sockets),
            control_groups=ControlGroups(self._setting.paths.id),
            notes=self._chronicle,
        )
        means.control_groups.close()
        teardown.callback(means.control_groups.close)
        resumed = None if self._resumed is None else self._resumed.arbiter
        self._arbiter = Arbiter(self._bound.stack, sockets, means, resumed)
        self._chronicle.open(self._arbiter.books(), self._resumed)

    def _forget(self, watcher: str) -> None:
        self._streams.forget(watcher)
        self._gates.forget(watcher)

    def _build_control(self, teardown: contextlib.ExitStack) -> None:
        self._configuring = Configuring(
            self._setting, self._arbiter, self._streams, self._reporting, lambda: self._reception.reread_keys()
        )
        self._reception = Reception(
            self._setting,
            self._bound,
            arbiter=self._arbiter,
            streams=self._streams,
            tail=self._tail,
            configuring=self._configuring,
            upgrade=lambda timeout_s, on_prepared: self._upgrade.run(timeout_s, on_prepared),
            started_at=self._started_at,
            fd_keeper_pid=lambda: self._chronicle.fd_keeper_pid,
            board=self._board,
        )
        whole = Whole(
            setting=self._setting,
            runtime=self._bound.runtime,
            notify=self._notify,
            arbiter=self._arbiter,
            streams=self._streams,
            control=self._reception.state,
            started_at=self._started_at,
            ledger_lock_fd=self._bound.estate.lock_fd,
            aides=self._chronicle.aides,
            scoreboard_fd=None if self._board is None else self._board.fd,
        )
        self._upgrade = Upgrade(
            whole,
            self._reaper,
            close_control=self._reception.close_for_upgrade,
            open_control=self._reception.reopen,
            is_configuring=self._configuring.is_under_way,
        )
        teardown.callback(self._reception.release)
        self._reception.bind(None if self._resumed is None else self._resumed.control)

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
        await self._reception.open()
        if self._resumed is not None and self._resumed.place is not None:
            self._publish(upgraded(self._resumed))
        if self._resumed is not None:
            # It was up before: the manager hears of the new code that it is so still.
            self._reporting.up()
        self._setting.on_bound()
        self._begin_adoption()
        if self._setting.alongside is not None:
            alongside = self._setting.alongside(partial(self._configuring.reconfigure, roll=True, dry_run=False))
            self._background.start(alongside, "what runs alongside")
        self._background.start(self._sweep_now_and_then(), "the safety sweep")
        self._reception.find_name()

    async def _end(self) -> None:
        self._background.cancel()
        if not self._setting.is_embedded:
            await sweep_descendants(self._arbiter.released | self._arbiter.spared() | self._chronicle.aides())
        await self._streams.aclose()
        await self._reception.aclose()

    def _up(self) -> None:
        self._setting.on_up()
        self._reporting.up()

    def _begin_adoption(self) -> None:
        """Carry on what was under way when the arbiter before was killed."""
        found = self._bound.estate.salvage
        if found is not None:
            announce(found, self._publish, time.time())
            again = partial(self._configuring.reconfigure, roll=False, dry_run=False)
            self._background.start(carry_on(found, self._arbiter, again, self._setting.on_up), "carrying on")

    async def _place(self) -> None:
        """Before anybody can ask for a start: no service may run without its files."""
        for plan in self._bound.plans.values():
            await asyncio.to_thread(services.place, plan)

    async def _sweep_now_and_then(self) -> None:
        """Circus's check_delay: exits are seen at once without it, it only bounds what a missed wake-up could cost."""
        while True:
            await asyncio.sleep(max(0.1, self._arbiter.stack.circus.check_delay))
            self._arbiter.sweep()
            self._chronicle.sweep()

    def _publish(self, event: Event) -> None:
        """To everybody who listens. One that fails must not keep the arbiter from what it is about to do."""
        told = (
            self._configuring.follow,
            self._chronicle.follow,
            self._reception.publish,
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

    def _reload_on_hup(self) -> None:
        if self._setting.rereads_on_hup:
            self._background.start(self._configuring.reread(), "the reload on SIGHUP")
        else:
            self._background.start(self._reception.reread_keys(), "the reading of the keys")
            with contextlib.suppress(CircusStackError):
                self._arbiter.reload()
