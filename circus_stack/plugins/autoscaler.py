"""The plugin that scales watchers within their range: listens to circusd-stats, decides, and asks the arbiter."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from circus_stack.client.aio_subscriber import AsyncSubscriber
from circus_stack.client.stats.reading import record_of
from circus_stack.client.stats.records import Record, WatcherStats
from circus_stack.client.stats.silence import SILENCE_S
from circus_stack.client.stats.whereabouts import NO_STATS, whereabouts_told
from circus_stack.errors import CallError
from circus_stack.plugins.options import PluginOptions
from circus_stack.plugins.plugin import CircusPlugin
from circus_stack.plugins.scaling.charge import Charge
from circus_stack.plugins.scaling.figures import Gathered
from circus_stack.plugins.scaling.policy import policy_of
from circus_stack.plugins.scaling.scaler import Decision, Scaler
from circus_stack.protocol.reply import Reply, is_error
from circus_stack.protocol.topics import SOCKETS_TOPIC, STACK_TOPIC, stat_word, watcher_topic

log = logging.getLogger(__name__)

# After these a watcher has other options, or another number of processes.
_CHANGES = frozenset({"add", "updated", "scaled", "scaling_held", "scaling_resumed"})
# After these its processes are others: what was sampled is of those before.
_RENEWALS = frozenset({"start", "stop", "reload", "reload_failed", "failed"})
# Of samples that were due so often, and didn't come, somebody should know.
_MISSED = 3
_LEAST_SILENCE_S = 10.0


class Autoscaler(CircusPlugin):
    """Adds and takes away processes of every watcher that has a range, by the watcher's own options `scale_*`. It runs
    wherever one has a range; where circusd-stats tells nothing, it decides nothing.

    Option: stats_endpoint (the one that the arbiter names), where figures are published.
    """

    name = "autoscaler"

    def __init__(self, *args: Any, **config: Any) -> None:
        super().__init__(*args, **config)
        self.options = PluginOptions(self.name, config)
        self.stats_endpoint = self.options.text("stats_endpoint", "") or ""
        self.charges: dict[str, Charge] = {}
        self._gathered = Gathered()
        self._listens_at = ""
        self._subscribed: tuple[str, ...] = ()
        self._subscriber: AsyncSubscriber | None = None
        self._receiving: asyncio.Task[Any] | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._is_silent = False

    def handle_init(self) -> object:
        for warning in self.options.misspelt():
            log.warning("%s", warning)
        return None

    def handle_stop(self) -> object:
        self._hang_up()
        return None

    # -- whom to look after -----------------------------------------------------------------------------------

    def handle_join(self) -> object:
        """Ask for everything; what changes later is told by events."""
        self._read_whereabouts()
        self._read_sockets()
        names = [str(each) for each in self.call("status").get("statuses", {})]
        for name in self.charges.keys() - set(names):
            del self.charges[name]
        for name in names:
            self._read(name)
        self._subscribe()
        return None

    def handle_recv(self, data: Sequence[bytes]) -> object:
        _, event, text = self.split_data(data)
        message = self.load_message(text)
        try:
            self._take_in(event, str(message.get("watcher", "")), message)
        except CallError as error:
            # The arbiter goes, or comes: it is asked for everything when it is back.
            log.warning("%s", error)
        return None

    def _take_in(self, event: str, name: str, message: Mapping[str, Any]) -> None:
        if event in _CHANGES and not message.get("dry_run"):
            self._read(name)
        elif event == "remove":
            self.charges.pop(name, None)
        elif event == "config_applied":
            self._read_whereabouts()
        elif event in _RENEWALS and name in self.charges:
            self.charges[name].scaler.forget()
        if event in ("add", "remove", "updated", "config_applied"):
            self._read_sockets()
            self._subscribe()

    def _read_whereabouts(self) -> None:
        options = {} if self.stats_endpoint else self.call("globaloptions").get("options", {})
        endpoint = self.stats_endpoint or whereabouts_told(options, self.endpoint).stats
        if not endpoint:
            log.warning("nothing is scaled: %s", NO_STATS)
        if endpoint != self._listens_at:
            self._hang_up()
            self._listens_at = endpoint

    def _read_sockets(self) -> None:
        self._gathered.know_sockets(self.call("listsockets").get("sockets", ()))

    def _read(self, name: str) -> None:
        """The watcher's options as they are now; without a range it is left alone."""
        reply = self.call("options", name=name)
        try:
            policy = None if is_error(reply) else policy_of(reply["options"])
            number = 0 if policy is None else int(reply["options"]["numprocesses"])
        except (KeyError, TypeError, ValueError) as error:
            log.error("%s is not scaled: %s", name, error)
            policy = None
        if policy is None:
            self.charges.pop(name, None)
        elif name in self.charges:
            self.charges[name].scaler.follow(policy, number, self.loop.time())
        else:
            self.charges[name] = Charge(name, Scaler(policy, number, self.loop.time()))
            log.info("%s is scaled within %s, and has %d", name, policy.range, number)

    # -- figures ----------------------------------------------------------------------------------------------

    def _subscribe(self) -> None:
        """Hear of these watchers, and of no other: nobody else's figures are put into words for us."""
        names = tuple(sorted(self.charges))
        if names == self._subscribed and self._subscriber is not None:
            return
        self._hang_up()
        if not names or not self._listens_at:
            return
        topics = (*map(watcher_topic, names), f"{SOCKETS_TOPIC}.", STACK_TOPIC)
        self._subscribed = names
        self._subscriber = AsyncSubscriber(self._listens_at, topics, credentials=self.credentials)
        self._receiving = self.loop.spawn(self._receive(self._subscriber), "the subscription to figures")
        self._expect(SILENCE_S)

    def _hang_up(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
        if self._receiving is not None:
            self._receiving.cancel()
        if self._subscriber is not None:
            self._subscriber.close()
        self._silence = self._receiving = self._subscriber = None

    async def _receive(self, subscriber: AsyncSubscriber) -> None:
        while True:
            record = record_of(*await subscriber.message())
            if record is not None:
                self.loop.run(self._note, record)
            await asyncio.sleep(0)

    def _note(self, record: Record) -> None:
        if not isinstance(record, WatcherStats):
            self._gathered.note(record)
            return
        for charge in self._charges_of(record.watcher):
            self._listen_on(charge)
            self._decide(charge, self._gathered.of(charge.name, record))

    def _charges_of(self, word: str) -> Iterable[Charge]:
        return [each for name, each in self.charges.items() if stat_word(name) == word]

    def _listen_on(self, charge: Charge) -> None:
        charge.sampled(self.loop.time())
        if self._is_silent:
            self._is_silent = False
            log.info("figures come again")
        longest_s = max(each.interval_s for each in self.charges.values())
        self._expect(max(_LEAST_SILENCE_S, _MISSED * longest_s))

    def _expect(self, silence_s: float) -> None:
        """Have a next sample within that time, or say so."""
        if self._silence is not None:
            self._silence.cancel()
        self._silence = self.loop.call_later(silence_s, self._note_silence, silence_s)

    def _note_silence(self, silence_s: float) -> None:
        log.warning("no figures for %.0f s: nothing is scaled until they come", silence_s)
        self._is_silent = True
        self._gathered.forget()
        for charge in self.charges.values():
            charge.sampled_at = None
            charge.scaler.forget()

    # -- decisions --------------------------------------------------------------------------------------------

    def _decide(self, charge: Charge, figures: Mapping[str, float]) -> None:
        decision = charge.scaler.take(figures, self.loop.time())
        complaint = charge.complaint()
        if complaint:
            log.warning("%s", complaint)
        if decision is not None:
            try:
                self._carry_out(charge, decision)
            except CallError as error:
                log.warning("%s", error)

    def _carry_out(self, charge: Charge, decision: Decision) -> None:
        scaler, is_dry_run = charge.scaler, charge.scaler.policy.is_dry_run
        if is_dry_run and not charge.is_news(decision, self.loop.time()):
            return
        reply = self._ask(charge.name, decision, is_dry_run=is_dry_run)
        if is_error(reply):
            # Asked again with the next sample, and said once.
            if not charge.held:
                log.info("%s", reply.get("reason"))
            charge.held = str(reply.get("reason"))
            return
        charge.held = ""
        words = "would be scaled" if is_dry_run else "is scaled"
        # The arbiter tells it to everybody.
        log.debug("%s %s from %d to %d: %s", charge.name, words, decision.old, decision.new, decision.reason)
        if not is_dry_run:
            scaler.follow(scaler.policy, decision.new, self.loop.time())

    def _ask(self, name: str, decision: Decision, *, is_dry_run: bool) -> Reply:
        return self.call(
            "scale",
            name=name,
            numprocesses=decision.new,
            reason=decision.reason,
            expected=decision.old,
            automatic=True,
            dry_run=is_dry_run,
        )
