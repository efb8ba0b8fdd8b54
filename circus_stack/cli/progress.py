"""Tells a person what happens to the stack, event by event: the start, reloads, deaths, what was given up.

Turns events into sentences and keeps what a sentence needs to know of earlier ones. Prints through a Voice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from circus_stack import events
from circus_stack.cli.voice import Voice
from circus_stack.exits import describe_exit
from circus_stack.protocol.figures import format_bytes
from circus_stack.streams.drops import Dropped

# With more processes a line for each would scroll everything else away: then each quarter has one, and at a later start
# the first of them, and the whole.
MANY = 8
# Ready so soon means that nothing was waited for.
AT_ONCE_S = 0.005

_OfProcess = (
    events.ProcessReady
    | events.ReadyTimedOut
    | events.ProcessReaped
    | events.MemoryExceeded
    | events.ReplacementBegun
    | events.RunTimedOut
)


class _Batch:
    """The processes of a large watcher that come up together."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.ready = 0

    def is_milestone(self) -> bool:
        """Whether another quarter is ready."""
        step = max(1, self.size // 4)
        return self.ready % step == 0 or self.ready == self.size


class Progress:
    """`watchers` -> numbers of processes, for those that start by themselves. `began` is when the start began, in
    seconds since the epoch. `names` are those of processes that run already, by pid, for who comes later.
    `failure_hint` is said once, after the first watcher that was given up. Never blocks: call `handle` in the loop with
    each event."""

    def __init__(
        self,
        voice: Voice,
        *,
        watchers: Mapping[str, int],
        began: float,
        hint: str = "",
        names: Mapping[int, str] | None = None,
        failure_hint: str = "",
    ) -> None:
        self._voice = voice
        self._watchers = dict(watchers)
        self._began = began
        self._hint = hint
        self._failure_hint = failure_hint
        self._names: dict[int, str] = dict(names or {})
        self._announced: set[str] = set()
        self._dead: set[str] = set()
        self._batches = {name: _Batch(size) for name, size in watchers.items() if size > MANY}
        # Of watchers that come up without a batch: how many are ready.
        self._coming_up: dict[str, int] = {}
        self._failed: set[str] = set()
        self._is_up = False
        self._handlers = self._handlers_by_type()

    def _handlers_by_type(self) -> dict[type[events.Event], Callable[..., None]]:
        return {
            events.ProcessSpawned: self._spawned,
            events.ProcessReady: self._ready,
            events.ReadyTimedOut: self._ready_timed_out,
            events.MemoryExceeded: self._memory_exceeded,
            events.ReplacementBegun: self._replaced,
            events.ProcessReaped: self._reaped,
            events.SpawnFailed: self._spawn_failed,
            events.RespawnDelayed: self._delayed,
            events.WatcherStarted: self._started,
            events.WatcherStopped: self._stopped,
            events.HealthLost: self._unhealthy,
            events.ProcessHung: self._hung,
            events.HealthRegained: self._healthy,
            events.WatcherFailed: self._gave_up,
            events.WatcherWaiting: self._waits,
            events.WatcherDegraded: self._degraded,
            events.WatcherRecovered: self._recovered,
            events.WatcherScaled: self._scaled,
            events.ScalingHeld: self._scaling_held,
            events.ScalingResumed: self._scaling_resumed,
            events.RunCompleted: self._completed,
            events.RunFailed: self._run_failed,
            events.RunUnseen: self._run_unseen,
            events.RunSkipped: self._run_skipped,
            events.RunTimedOut: self._ran_too_long,
            events.WatcherReloaded: self._reloaded,
            events.ReloadFailed: self._reload_failed,
            events.ConfigApplied: self._config_applied,
            events.ArbiterUpgraded: self._upgraded,
        }

    def handle(self, event: events.Event) -> None:
        """Say what happened; events that tell a person nothing are passed over."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    def announce_up(self, now: float) -> None:
        """Everything that starts by itself was started; `now` in seconds since the epoch. Said once."""
        if self._is_up:
            return
        self._is_up = True
        took = f"{now - self._began:.2f} s"
        if self._failed:
            self._voice.warn(f"up in {took}, but without {', '.join(sorted(self._failed))}", event="up")
        else:
            self._voice.good(f"ready in {took}{self._hint and '; ' + self._hint}", event="up")

    def _upgraded(self, event: events.ArbiterUpgraded) -> None:
        versions = event.version if event.version == event.old_version else f"{event.old_version} -> {event.version}"
        kept = "1 process" if event.processes == 1 else f"{event.processes} processes"
        self._voice.good(f"upgraded in place ({versions}), {kept} kept", **_fields(event))

    def note_drop(self, dropped: Dropped) -> None:
        """Lines were lost."""
        self._voice.warn(str(dropped), event="drop", lines=dropped.lines, bytes=dropped.bytes, sink=dropped.sink)

    # -- processes ---------------------------------------------------------------------------------------------------

    def _spawned(self, event: events.ProcessSpawned) -> None:
        name = f"{event.watcher}.{event.wid}"
        self._names[event.process_pid] = name
        if name in self._dead:
            self._dead.discard(name)
            self._say(event, f"{name} is starting anew (pid {event.process_pid})", process_pid=event.process_pid)
        elif event.watcher not in self._announced:
            self._announced.add(event.watcher)
            self._coming_up[event.watcher] = 0
            count = 1 if self._is_up else self._watchers.get(event.watcher, 1)
            self._say(event, f"{name} is starting" if count == 1 else f"{event.watcher} is starting {count} processes")

    def _ready(self, event: events.ProcessReady) -> None:
        batch = self._batches.get(event.watcher)
        if batch is not None:
            batch.ready += 1
            if not batch.is_milestone():
                return
        elif event.watcher in self._coming_up:
            self._coming_up[event.watcher] += 1
            if self._coming_up[event.watcher] > MANY:
                return
        took = f"ready in {event.after_s:.2f} s" if event.after_s >= AT_ONCE_S else "started"
        text = f"{self._name(event)} {took} (pid {event.process_pid})"
        if batch is not None:
            text = f"{event.watcher}: {batch.ready} of {batch.size} processes ready"
        self._voice.good(text, **_fields(event), process_pid=event.process_pid, after_s=event.after_s)

    def _ready_timed_out(self, event: events.ReadyTimedOut) -> None:
        text = f"{self._name(event)} was not ready within {event.timeout_s:g} s and is ended (pid {event.process_pid})"
        self._voice.warn(text, **_fields(event), process_pid=event.process_pid)

    def _memory_exceeded(self, event: events.MemoryExceeded) -> None:
        uses = f"uses {format_bytes(event.bytes)} ({event.kind}), more than {format_bytes(event.limit)}"
        text = f"{self._name(event)} {uses}{', and is killed' if event.killed else ''} (pid {event.process_pid})"
        self._voice.warn(text, **_fields(event), process_pid=event.process_pid, bytes=event.bytes, limit=event.limit)

    def _replaced(self, event: events.ReplacementBegun) -> None:
        text = f"{self._name(event)} is replaced because of: {event.reason} (pid {event.process_pid})"
        self._say(event, text, process_pid=event.process_pid, reason=event.reason)

    def _reaped(self, event: events.ProcessReaped) -> None:
        name = self._name(event)
        self._names.pop(event.process_pid, None)
        fields = {**_fields(event), "process_pid": event.process_pid, "exit_code": event.exit_code}
        if not event.expected:
            self._dead.add(name)
            self._voice.warn(f"{name} (pid {event.process_pid}) {describe_exit(event.exit_code)}", **fields)
        elif event.watcher not in self._batches:
            self._voice.info(f"{name} stopped (pid {event.process_pid})", **fields)

    # -- watchers ----------------------------------------------------------------------------------------------------

    def _spawn_failed(self, event: events.SpawnFailed) -> None:
        self._voice.fail(f"{event.watcher} cannot be started: {event.reason}", **_fields(event))

    def _delayed(self, event: events.RespawnDelayed) -> None:
        often = "" if event.failures == 1 else f" {event.failures} times in a row"
        text = f"{event.watcher} failed{often}; next try in {event.delay_s:g} s"
        self._voice.warn(text, **_fields(event), failures=event.failures, delay_s=event.delay_s)

    def _started(self, event: events.WatcherStarted) -> None:
        """Its processes come one by one from now on."""
        self._failed.discard(event.watcher)
        self._batches.pop(event.watcher, None)
        ready = self._coming_up.pop(event.watcher, 0)
        if ready > MANY:
            self._voice.good(f"{event.watcher}: {ready} processes ready", **_fields(event))

    def _stopped(self, event: events.WatcherStopped) -> None:
        self._announced.discard(event.watcher)
        self._coming_up.pop(event.watcher, None)
        # Where there was but one process, its own line has said it.
        if self._watchers.get(event.watcher, 1) > 1:
            self._say(event, f"{event.watcher} is stopped")

    def _gave_up(self, event: events.WatcherFailed) -> None:
        self._failed.add(event.watcher)
        self._announced.discard(event.watcher)
        self._voice.fail(f"{event.watcher} was given up: {event.reason}", **_fields(event))
        if self._failure_hint:
            hint, self._failure_hint = self._failure_hint, ""
            self._say(event, hint)

    def _unhealthy(self, event: events.HealthLost) -> None:
        name = event.watcher if event.process_pid is None else self._names.get(event.process_pid, event.watcher)
        pid = "" if event.process_pid is None else f" (pid {event.process_pid})"
        text = f"{name}{pid} is unhealthy and is replaced: {event.reason}"
        self._voice.warn(text, **_fields(event), process_pid=event.process_pid)

    def _hung(self, event: events.ProcessHung) -> None:
        text = f"{event.watcher}.{event.wid} (pid {event.process_pid}) hangs: its loop has not turned for "
        self._voice.warn(f"{text}{event.timeout_s:g} s; its threads are shown, and it is replaced", **_fields(event))

    def _healthy(self, event: events.HealthRegained) -> None:
        self._voice.good(f"{event.watcher} is healthy again", **_fields(event))

    def _waits(self, event: events.WatcherWaiting) -> None:
        self._voice.warn(f"{event.watcher} waits: {event.reason}", **_fields(event))

    def _degraded(self, event: events.WatcherDegraded) -> None:
        self._voice.warn(f"{event.watcher} is degraded: {event.reason}", **_fields(event))

    def _recovered(self, event: events.WatcherRecovered) -> None:
        self._voice.good(f"{event.watcher} is whole again: {event.reason}", **_fields(event))

    def _scaled(self, event: events.WatcherScaled) -> None:
        verb = "would be scaled" if event.dry_run else "is scaled"
        why = f": {event.reason}" if event.reason else ""
        text = f"{event.watcher} {verb} from {event.old} to {event.new}{why}"
        self._voice.info(text, **_fields(event), old=event.old, new=event.new)

    def _scaling_held(self, event: events.ScalingHeld) -> None:
        self._voice.warn(f"{event.watcher} is not scaled: {event.reason}", **_fields(event))

    def _scaling_resumed(self, event: events.ScalingResumed) -> None:
        self._voice.good(f"{event.watcher} is scaled again: {event.reason}", **_fields(event))

    def _completed(self, event: events.RunCompleted) -> None:
        text = f"{event.watcher} completed in {event.duration_s:.2f} s"
        self._voice.good(text, **_fields(event), duration_s=event.duration_s)

    def _run_failed(self, event: events.RunFailed) -> None:
        how = "" if event.exit_code is None else f": it {describe_exit(event.exit_code)}"
        text = f"the run of {event.watcher} failed after {event.duration_s:.2f} s{how}"
        self._voice.fail(text, **_fields(event), exit_code=event.exit_code, duration_s=event.duration_s)

    def _run_unseen(self, event: events.RunUnseen) -> None:
        then = "it is run again" if event.again else "it is not run again"
        text = f"{event.watcher}.{event.wid} ended, and nobody saw how: {then}"
        self._voice.warn(text, **_fields(event), wid=event.wid, again=event.again)

    def _run_skipped(self, event: events.RunSkipped) -> None:
        due = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.due))
        self._voice.warn(f"{event.watcher} is not run for {due}: {event.reason}", **_fields(event), due=event.due)

    def _ran_too_long(self, event: events.RunTimedOut) -> None:
        text = f"{self._name(event)} ran longer than {event.timeout_s:g} s and is ended (pid {event.process_pid})"
        self._voice.warn(text, **_fields(event), process_pid=event.process_pid)

    def _reloaded(self, event: events.WatcherReloaded) -> None:
        self._voice.good(f"{event.watcher} reloaded", **_fields(event))

    def _reload_failed(self, event: events.ReloadFailed) -> None:
        text = f"reload of {event.watcher} failed, the old processes serve on: {event.reason}"
        self._voice.fail(text, **_fields(event))

    def _config_applied(self, event: events.ConfigApplied) -> None:
        if not event.changes:
            self._say(event, "configuration read again: nothing has changed")
            return
        self._voice.good("configuration read again:", **_fields(event), changes=event.changes)
        for change in event.changes:
            self._say(event, f"  {change}")

    # -- words -------------------------------------------------------------------------------------------------------

    def _say(self, event: events.Event, text: str, **fields: object) -> None:
        self._voice.info(text, **_fields(event), **fields)

    def _name(self, event: _OfProcess) -> str:
        return self._names.get(event.process_pid, event.watcher)


def _fields(event: events.Event) -> dict[str, object]:
    return {"event": event.topic, "watcher": event.watcher}
