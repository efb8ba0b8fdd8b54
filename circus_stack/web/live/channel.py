"""The live channel: who is connected, what each follows, and how it gets there. All of it on socket.io, by websocket or
by polling; a browser that does not read loses what is told meanwhile, counted, and takes no more than its queue."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import socketio
from msgspec import Struct, field

from circus_stack import __version__
from circus_stack.client.loglines import LogJoin
from circus_stack.errors import CallError, CircusStackError
from circus_stack.web.access.caller import ENVIRON_KEY, Caller
from circus_stack.web.access.doors import Doors
from circus_stack.web.access.gatekeeper import SESSION_KEY
from circus_stack.web.access.sessions import Session
from circus_stack.web.live import packets
from circus_stack.web.live.feeds import EventFeed, LogFeed, StatsFeed, first_snapshot
from circus_stack.web.live.following import (
    STATS_ROOM,
    Following,
    LogsWanted,
    processes_room,
    read_following,
)
from circus_stack.web.live.heard import Heard
from circus_stack.web.live.log_batch import LogBatch
from circus_stack.web.live.turnstile import Turnstile, login_of
from circus_stack.web.live.websocket import bounded_websocket
from circus_stack.web.stack.stack import Stack

log = logging.getLogger(__name__)

PATH = "/socket.io"
Environ = dict[str, Any]

# Bytes of one message of a browser: it only ever says what it wants.
_MOST_MESSAGE = 32_768
# Packets that may wait for a browser before it is passed over: of figures the next will be newer, lines are counted and
# may be asked for, and of events all that are remembered are told again once it has read.
_WAITING = {"stats": 4, "processes": 4, "logs": 10}
_MOST_WAITING = 200
# Nor may it ask for more meanwhile, as each answer may be of some hundred KiB.
_MOST_UNREAD = 30
# Python's client gives up five seconds after the longer of this and the 20 s in which it must answer: a ping each 25 s,
# as usual, is too late for some where the machine is busy.
_PING_S = 10.0
# How soon who has logged out hears nothing more.
_CHECK_S = 5.0
# How long the last lines wait for those that follow them to be on their way.
_JOIN_S = 3.0
# Changes of what is followed, within that time.
_MOST_CHANGES, _CHANGES_S = 50, 10.0


class _Browser(Struct):
    """One connection. `is_in` tells whether its login goes on; `dropped` counts the lines that it has not been told,
    `misses_events` says that there were such events."""

    caller: Caller
    is_in: Callable[[], bool]
    following: Following = field(default_factory=Following)
    dropped: int = 0
    misses_events: bool = False
    changes: int = 0
    changes_since: float = 0.0


class LiveChannel:
    """Give `app` to whoever serves PATH."""

    def __init__(self, stack: Stack, doors: Doors) -> None:
        self._stack = stack
        self._doors = doors
        self._browsers: dict[str, _Browser] = {}
        self._logs: dict[str, LogFeed] = {}
        self._state: dict[str, Any] = {"arbiter": "lost", "stats": "lost", "since": time.time()}
        self._server = socketio.Server(
            async_mode="gevent",
            serializer=packets.TextPacket,
            json=packets,
            max_http_buffer_size=_MOST_MESSAGE,
            cors_allowed_origins=None,
            ping_interval=_PING_S,
        )
        engine = self._server.eio
        engine._async = {**engine._async, "websocket": bounded_websocket(engine._async["websocket"], _MOST_MESSAGE)}
        self._inner = Turnstile(socketio.WSGIApp(self._server, socketio_path=PATH.strip("/")), self._logins)
        self._events = EventFeed(stack, self._emit, partial(self._note, "arbiter"))
        self._stats: StatsFeed | None = None
        self._is_started = False
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        self._server.on(packets.HEARD, self._follow)

    def app(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """WSGI. Strangers get no further than this."""
        return self._inner(environ, start_response)

    def events_since(self, seq: int, limit: int) -> Heard:
        """What is remembered of the events after a number. Raises CallError where the stack was never heard."""
        self.begin()
        if not self._events.source.joined.wait(_JOIN_S):
            raise CallError("the console does not hear yet what happens in the stack: try again")
        return self._events.heard.since(seq, limit)

    # -- who is there -----------------------------------------------------------------------------------------

    def _connect(self, sid: str, environ: Environ, _auth: Any = None) -> None:
        caller: Caller | None = environ.get(ENVIRON_KEY)
        is_in = self._login_check(environ)
        # Asked anew: whoever was turned away can say on the same connection that it begins again.
        if caller is None or not _holds(is_in):
            raise socketio.exceptions.ConnectionRefusedError("log in first")
        self._browsers[sid] = _Browser(caller, is_in)
        self.begin()
        self._server.start_background_task(self._greet, sid, caller)
        self._server.emit("state", self._state, to=sid)

    def _greet(self, sid: str, caller: Caller) -> None:
        hello = {"version": __version__, "user": caller.name, "role": caller.role, "stack": self._stack.name()}
        self._server.emit("hello", hello, to=sid)

    def _disconnect(self, sid: str, *_reason: Any) -> None:
        self._browsers.pop(sid, None)
        self._tend()

    def _logins(self) -> dict[str, str]:
        """Whose each open connection is, by the id that stands in its requests."""
        return {engine_sid: login_of(environ) for engine_sid, environ in self._server.environ.items()}

    def _login_check(self, environ: Environ) -> Callable[[], bool]:
        session: Session | None = environ.get(SESSION_KEY)
        if session is not None:
            return lambda: self._doors.sessions.is_alive(session.csrf)
        word = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")[2].strip()
        return lambda: self._doors.tokens.caller(word) is not None

    def begin(self) -> None:
        """What runs as long as this console: the events, so that who comes later can be told, and a look at who is
        still logged in. In the process that serves."""
        if not self._is_started:
            self._is_started = True
            self._server.start_background_task(self._events.source.run)
            self._server.start_background_task(self._check_logins)

    def _check_logins(self) -> None:
        while True:
            self._server.sleep(_CHECK_S)
            for sid, browser in list(self._browsers.items()):
                if not _holds(browser.is_in):
                    self._end(sid)

    def _end(self, sid: str) -> None:
        """Turn a browser away, with the connection below: on that it could begin again."""
        connection = self._connection(sid)
        self._server.disconnect(sid)
        if connection is not None:
            # Without waiting until it has read that.
            connection.close(wait=False)

    # -- what each wants --------------------------------------------------------------------------------------

    def _follow(self, sid: str, data: Any = None) -> dict[str, Any]:
        browser = self._browsers.get(sid)
        if browser is None:
            return {"ok": False, "reason": "log in first"}
        if not self._may_change(browser) or self._waiting(sid) > _MOST_UNREAD:
            self._end(sid)
            return {"ok": False, "reason": "too many changes"}
        try:
            wanted = read_following(data)
        except ValueError as error:
            return {"ok": False, "reason": str(error)}
        before, browser.following = browser.following, wanted
        for room in before.rooms() - wanted.rooms():
            self._server.leave_room(sid, room)
        self._tend()
        for room in wanted.rooms() - before.rooms():
            self._server.enter_room(sid, room)
        self._server.start_background_task(self._tell_first, sid, before, wanted)
        return {"ok": True}

    def _may_change(self, browser: _Browser) -> bool:
        now = time.monotonic()
        if now - browser.changes_since > _CHANGES_S:
            browser.changes, browser.changes_since = 0, now
        browser.changes += 1
        return browser.changes <= _MOST_CHANGES

    def _tell_first(self, sid: str, before: Following, wanted: Following) -> None:
        """What is known already to who has just begun to follow it."""
        if wanted.events is not None and wanted.events != before.events:
            self._tell_events(sid, wanted.events.since)
        if wanted.logs is not None and wanted.logs != before.logs:
            feed = self._logs.get(wanted.logs.room)
            if feed is not None:
                # First what follows, then what was: a line may come twice, and none is missed.
                feed.source.joined.wait(_JOIN_S)
            self._server.emit("logs", self._last_lines(sid, wanted.logs), to=sid)
        if (wanted.stats and not before.stats) or set(wanted.processes) - set(before.processes):
            snapshot = first_snapshot(self._stack)
            if snapshot is not None and self._stats is not None:
                self._stats.tell(snapshot)

    def _last_lines(self, sid: str, wanted: LogsWanted) -> dict[str, Any]:
        browser, batch = self._browsers.get(sid), LogBatch()
        if browser is None or not wanted.lines:
            return {**batch.take(), "is_first": True}
        try:
            found = self._stack.call(browser.caller.role, "logs", limit=wanted.lines, **wanted.as_properties())["lines"]
        except CircusStackError as error:
            return {**batch.take(), "is_first": True, "reason": str(error)}
        for record in LogJoin().snapshot(found):
            batch.add(record)
        # Those before are no loss: they were asked for, and may be again.
        return {**batch.take(), "dropped": 0, "is_first": True}

    def _tend(self) -> None:
        """Begin and end the feeds, by what is wanted now."""
        rooms = {room for each in self._browsers.values() for room in each.following.rooms()}
        wanted = (each.following.logs for each in self._browsers.values())
        logs = {each.room: each.chosen for each in wanted if each is not None}
        for room, chosen in logs.items():
            if room not in self._logs:
                self._logs[room] = feed = LogFeed(self._stack, self._emit, chosen)
                self._server.start_background_task(feed.source.run)
        for room in self._logs.keys() - logs.keys():
            self._logs.pop(room).source.stop()
        wants_stats = any(room == STATS_ROOM or room.startswith(processes_room("")) for room in rooms)
        if wants_stats and self._stats is None:
            told = partial(self._note, "stats")
            self._stats = StatsFeed(self._stack, self._emit, told, self._processes_wanted)
            self._server.start_background_task(self._stats.source.run)
        elif not wants_stats and self._stats is not None:
            self._stats.source.stop()
            self._stats = None

    def _processes_wanted(self) -> frozenset[str]:
        return frozenset(name.lower() for each in self._browsers.values() for name in each.following.processes)

    # -- telling ----------------------------------------------------------------------------------------------

    def _note(self, what: str, state: str) -> None:
        self._state = {**self._state, what: state, "since": time.time()}
        self._server.emit("state", self._state)

    def _emit(self, name: str, data: Any, room: str) -> None:
        """To all who are in a room and have read what came before; encoded once."""
        most, members = _WAITING.get(name, _MOST_WAITING), self._members(room)
        late = [sid for sid in members if self._waiting(sid) > most]
        for sid in late:
            browser = self._browsers[sid]
            if name == "logs":
                browser.dropped += len(data["lines"]) + data["dropped"]
            browser.misses_events |= name == "event"
        self._server.emit(name, data, to=room, skip_sid=late)
        for sid in members:
            if sid not in late:
                self._make_good(sid)

    def _make_good(self, sid: str) -> None:
        """Tell who has caught up what was missed meanwhile."""
        browser = self._browsers.get(sid)
        if browser is not None and browser.dropped:
            dropped, browser.dropped = browser.dropped, 0
            self._server.emit("late", {"dropped": dropped}, to=sid)
        if browser is not None and browser.misses_events:
            browser.misses_events = False
            self._tell_events(sid, -1)

    def _tell_events(self, sid: str, since: int) -> None:
        heard = self._events.heard.since(since)
        if heard.missing_through is not None:
            self._server.emit("missing", {"events_through": heard.missing_through}, to=sid)
        # A tuple would be several arguments.
        self._server.emit("events", list(heard.events), to=sid)

    def _members(self, room: str) -> list[str]:
        return [sid for sid, each in self._browsers.items() if room in each.following.rooms()]

    def _waiting(self, sid: str) -> int:
        connection = self._connection(sid)
        return 0 if connection is None else int(connection.queue.qsize())

    def _connection(self, sid: str) -> Any:
        """That of python-engineio, on which a browser is; None where it has gone."""
        return self._server.eio.sockets.get(self._server.manager.eio_sid_from_sid(sid, "/"))


def _holds(is_in: Callable[[], bool]) -> bool:
    """Whether a login goes on; what cannot be read lets nobody stay."""
    try:
        return is_in()
    except CircusStackError:
        return False
