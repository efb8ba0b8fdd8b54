"""Where clients reach one run: its endpoints, bound and opened, closed for an upgrade, and opened again without one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import zmq

from chaussette.scoreboard import Board
from circus_stack import __version__
from circus_stack.arbiter.arbiter import Arbiter
from circus_stack.config.chaussette_command import backend_of
from circus_stack.config.schema import CircusConfig
from circus_stack.control.desk import Offices
from circus_stack.control.discovery import Discovery
from circus_stack.control.log_publisher import LogPublisher
from circus_stack.control.publisher import Publisher
from circus_stack.control.server import ControlServer
from circus_stack.daemon.arrangement import Bound
from circus_stack.daemon.configuring import Configuring
from circus_stack.daemon.doorkeeper import Doorkeeper, near_endpoint
from circus_stack.daemon.handover.endpoints import at_the_same, bind_patiently, start_patiently
from circus_stack.daemon.handover.record import ControlRecord
from circus_stack.daemon.scoreboard import place_of, scores_of
from circus_stack.daemon.setting import Setting
from circus_stack.daemon.shell import DebugShell
from circus_stack.errors import SocketError
from circus_stack.events import Event
from circus_stack.protocol.record import StackRecord, encode_record
from circus_stack.streams.streams import Streams
from circus_stack.streams.tail import LiveTail

log = logging.getLogger(__name__)

# Executes the arbiter anew: `Offices` says how.
UpgradeRun = Callable[[float, Callable[[Mapping[str, object]], None]], Coroutine[Any, Any, None]]


class Reception:
    """The endpoints of commands, events and log lines. `upgrade` stands behind the command of that name,
    `fd_keeper_pid` tells which process keeps descriptors, if one does."""

    def __init__(
        self,
        setting: Setting,
        bound: Bound,
        *,
        arbiter: Arbiter,
        streams: Streams,
        tail: LiveTail,
        configuring: Configuring,
        upgrade: UpgradeRun,
        started_at: float,
        fd_keeper_pid: Callable[[], int | None],
        board: Board | None,
    ) -> None:
        self._setting = setting
        self._bound = bound
        self._arbiter = arbiter
        self._streams = streams
        self._tail = tail
        self._configuring = configuring
        self._upgrade = upgrade
        self._started_at = started_at
        self._fd_keeper_pid = fd_keeper_pid
        self._board = board
        self._fqdn = socket.gethostname()
        self._is_again = False
        self._teardown = contextlib.ExitStack()

    def bind(self, resumed: ControlRecord | None) -> None:
        """Bind the endpoints; those of another arbiter, where it goes on from one, at the same addresses."""
        circus = self._bound.stack.circus
        self._is_again = resumed is not None
        if resumed is None:
            self._bind(circus)
            return
        circus = at_the_same(circus, resumed)
        bind_patiently(lambda: self._bind(circus), self._teardown.close)
        self._publisher.seq = resumed.seq
        self._log_publisher.restore(resumed.log_seq, resumed.log_topics)

    async def open(self) -> None:
        """Answer from here on."""
        await start_patiently(self._control.start) if self._is_again else await self._control.start()
        # Only now can a client that finds the record also reach us.
        self._bound.runtime.write_record(encode_record(self._record()))

    def find_name(self) -> None:
        """Look up the machine's whole name. Whoever is asked for it may take his time: the end doesn't wait for him."""
        threading.Thread(target=self._find_name, name="circus-fqdn", daemon=True).start()

    async def aclose(self) -> None:
        """Answer who waits, let the replies go out, and take in no more commands."""
        await self._control.aclose()

    def release(self) -> None:
        """Close what `bind` has bound."""
        self._teardown.close()

    async def close_for_upgrade(self) -> None:
        """Another arbiter binds the same addresses next."""
        await self._control.aclose("the arbiter was upgraded meanwhile: `jobs` tells what became of it")
        self.release()

    async def reopen(self) -> None:
        """There was no upgrade after all."""
        self.bind(self.state())
        await self.open()

    async def reread_keys(self) -> None:
        """Let in from now on whom the list of keys names now."""
        await self._doors.reread()

    def publish(self, event: Event) -> None:
        """Tell all subscribers."""
        self._publisher.publish(event)

    def state(self) -> ControlRecord:
        """The endpoints and their numbers, also when they are closed."""
        log_seq, log_topics = self._log_publisher.state()
        return ControlRecord(
            endpoint=self._control.endpoint,
            pubsub_endpoint=self._publisher.endpoint,
            logs_endpoint=self._log_publisher.endpoint,
            seq=self._publisher.seq,
            log_seq=log_seq,
            log_topics=log_topics,
        )

    # -- inside -----------------------------------------------------------------------------------------------

    def _bind(self, circus: CircusConfig) -> None:
        teardown = self._teardown
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
        self._control = ControlServer(
            endpoint=circus.endpoint,
            context=context,
            arbiter=self._arbiter,
            tail=self._tail,
            reconfigure=self._configuring.reconfigure,
            authority=doors.authority,
            guard=doors.guard(paths.control),
            offices=self._offices(circus),
        )
        self._bind_discovery(circus)

    def _offices(self, circus: CircusConfig) -> Offices:
        shell = DebugShell({"arbiter": self._arbiter, "streams": self._streams})
        return Offices(
            global_options=self._global_options,
            labels=self._labels,
            seq=lambda: self._publisher.seq,
            check_watcher=self._configuring.check_watcher,
            endpoint_owner=lambda: circus.endpoint_owner,
            dropped_lines=self._streams.dropped_lines,
            save=self._configuring.save,
            upgrade=self._upgrade,
            scores=scores_of(self._board),
            open_shell=lambda: shell.open(is_debug=circus.debug),
        )

    def _bind_discovery(self, circus: CircusConfig) -> None:
        if not circus.multicast_endpoint:
            return
        try:
            discovery = Discovery(asyncio.get_running_loop(), circus.multicast_endpoint, lambda: self._control.endpoint)
        except SocketError as error:
            # A machine without a network has no multicast; who knows the endpoint does without.
            log.warning("nobody can discover this stack: %s", error)
        else:
            self._teardown.callback(discovery.close)

    def _global_options(self) -> Mapping[str, object]:
        """What `globaloptions` sends beside the endpoint."""
        circus = self._arbiter.stack.circus
        return {
            "name": circus.name,
            "pid": os.getpid(),
            "started_at": self._started_at,
            "check_delay": circus.check_delay,
            "pubsub_endpoint": self._publisher.endpoint,
            "stats_endpoint": circus.stats_endpoint,
            "stats_query_endpoint": circus.stats_query_endpoint,
            "multicast_endpoint": circus.multicast_endpoint or "",
            "logs_endpoint": self._log_publisher.endpoint,
            "fd_keeper_pid": self._fd_keeper_pid(),
            "scoreboard": place_of(self._board),
            "fqdn": f"{circus.fqdn_prefix}@{self._fqdn}" if circus.fqdn_prefix else self._fqdn,
        }

    def _labels(self, watcher: str) -> Mapping[str, str]:
        config = self._arbiter.config(watcher)
        backend = backend_of(f"{config.cmd} {config.args}")
        return {"backend": backend} if backend else {}

    def _find_name(self) -> None:
        self._fqdn = socket.getfqdn()

    def _record(self) -> StackRecord:
        """What clients find us by: endpoints as they were bound, with the port that the kernel gave for 0."""
        circus, paths = self._bound.stack.circus, self._setting.paths
        return StackRecord(
            id=self._setting.paths.id,
            name=circus.name,
            source=self._setting.source,
            pid=os.getpid(),
            started_at=self._started_at,
            endpoint=self._control.near_endpoint,
            pubsub_endpoint=self._publisher.near_endpoint,
            logs_endpoint=self._log_publisher.near_endpoint,
            stats_endpoint=near_endpoint(circus, circus.stats_endpoint, paths.stats),
            stats_query_endpoint=near_endpoint(circus, circus.stats_query_endpoint, paths.stats_query),
            version=__version__,
            state_dir=str(self._setting.state_dir),
        )
