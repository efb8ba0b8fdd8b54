"""The plugin that stops a watcher whose processes die again and again, and tries it again after a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from circus_stack.errors import CallError
from circus_stack.plugins.flapping_record import Pause, Record, Settings, Verdict
from circus_stack.plugins.options import PluginConfigError, PluginOptions
from circus_stack.plugins.plugin import CircusPlugin
from circus_stack.protocol.reply import is_error

log = logging.getLogger(__name__)

# Operations that leave a watcher as its operator wants it.
_DECISIONS = frozenset({"start", "stop", "restart", "reload", "rm", "add", "reloadconfig"})


class Flapping(CircusPlugin):
    """Stops a watcher with `attempts` (2) deaths within `window` (1) seconds, starts it again after `retry_in` (7)
    seconds, and leaves it stopped after `max_retry` (5) such pauses in a row (-1: never).

    A watcher's own `flapping.attempts`, `flapping.active` and so on come first. Deaths that somebody asked for don't
    count, nor does the time for which the arbiter itself holds a respawn back. Only what this plugin has stopped is
    started by it, and only if nobody else has started, stopped, restarted or removed the watcher meanwhile.
    """

    name = "flapping"

    def __init__(self, *args: Any, **config: Any) -> None:
        super().__init__(*args, **config)
        own = {f"flapping.{key}": value for key, value in config.items() if key != "active"}
        try:
            self.settings = Settings().overridden(own)
        except ValueError as error:
            raise PluginConfigError(str(error)) from None
        self.records: dict[str, Record] = {}
        self._watchers: dict[str, Settings] = {}

    def handle_init(self) -> object:
        options = PluginOptions(self.name, self.config)
        for name in Settings.__struct_fields__:
            options.text(name)
        for warning in options.misspelt():
            log.warning("%s", warning)
        return None

    def handle_join(self) -> object:
        """At the start; and when the arbiter came back, in which case nothing of what was known counts."""
        self.records.clear()
        self._watchers.clear()
        return None

    def handle_recv(self, data: Sequence[bytes]) -> object:
        topic_name, action, text = self.split_data(data)
        message = self.load_message(text)
        watcher = message.get("watcher", topic_name)
        record = self.records.setdefault(watcher, Record())
        match action:
            # Circus doesn't say which deaths were expected: there, each counts.
            case "reap" if not message.get("expected", False):
                self._died(watcher, record)
            case "backoff":
                record.held_back(float(message.get("delay_s", 0)))
            case "stop" if record.stopped():
                log.info("%s is down", watcher)
            case "start":
                record.started()
            case "reload" | "failed":
                record.taken_over()
            case "remove":
                self.records.pop(watcher, None)
                self._watchers.pop(watcher, None)
            case "add" | "updated":
                self._watchers.pop(watcher, None)
        return None

    # -- a death ----------------------------------------------------------------------------------------------

    def _died(self, watcher: str, record: Record) -> None:
        verdict = record.died(time.monotonic(), self._settings_of(watcher))
        if verdict is not Verdict.NOTHING:
            self._stop(watcher, record, verdict)

    def _settings_of(self, watcher: str) -> Settings:
        found = self._watchers.get(watcher)
        if found is None:
            reply = self.call("options", name=watcher)
            found = self._watchers[watcher] = self._read(watcher, {} if is_error(reply) else reply["options"])
        return found

    def _read(self, watcher: str, options: dict[str, object]) -> Settings:
        try:
            return self.settings.overridden(options)
        except ValueError as error:
            log.warning("%s: %s; the plugin's own settings count for it", watcher, error)
            return self.settings

    def _stop(self, watcher: str, record: Record, verdict: Verdict) -> None:
        state = self.call("status", name=watcher)
        if state["status"] not in ("active", "starting"):
            # Somebody was faster: it is not ours to start again.
            record.taken_over()
            return
        reply = self.call("stop", name=watcher, match="simple")
        if is_error(reply):
            log.error("%s is flapping, and could not be stopped: %s", watcher, reply.get("reason"))
            # A pause that did not come about is no try.
            record.tries = max(0, record.tries - 1)
            return
        if verdict is Verdict.GIVE_UP:
            log.error("%s is flapping, and stays stopped: it was tried often enough", watcher)
            return
        retry_in = self._settings_of(watcher).retry_in
        log.warning(
            "%s is flapping: it is stopped, and tried again in %g s (pause %d)", watcher, retry_in, record.tries
        )
        record.pause = pause = Pause(since=float(state["time"]), job=reply.get("job"))
        self.loop.call_later(retry_in, self._resume, watcher, pause)

    # -- the end of a pause -----------------------------------------------------------------------------------

    def _resume(self, watcher: str, pause: Pause) -> None:
        record = self.records.get(watcher)
        if record is None or record.pause is not pause:
            return
        try:
            self._try_again(watcher, record, pause)
        except CallError:
            record.taken_over()
            raise

    def _try_again(self, watcher: str, record: Record, pause: Pause) -> None:
        state = self.call("status", name=watcher)["status"]
        if state == "stopping":
            self.loop.call_later(self._settings_of(watcher).retry_in, self._resume, watcher, pause)
            return
        if state != "stopped" or self._is_decided(watcher, pause):
            log.info("%s was taken in hand by somebody else: it is left alone", watcher)
            record.taken_over()
            return
        log.info("%s is tried again", watcher)
        record.resumed()
        reply = self.call("start", name=watcher, match="simple")
        if is_error(reply):
            log.error("%s could not be started: %s", watcher, reply.get("reason"))
            record.taken_over()

    def _is_decided(self, watcher: str, pause: Pause) -> bool:
        """Whether somebody has given an order about the watcher since we stopped it.

        A stop of what is stopped already changes nothing, so that no event tells of it: the list of jobs does. Circus
        has no such list.
        """
        reply = self.call("jobs")
        if is_error(reply):
            return False
        return any(
            job.get("command") in _DECISIONS
            and job.get("id") != pause.job
            and float(job.get("asked") or 0) >= pause.since
            and watcher in (job.get("watchers") or [watcher])
            for job in reply.get("jobs", [])
        )
