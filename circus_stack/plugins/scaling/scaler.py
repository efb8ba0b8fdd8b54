"""Whether a watcher is to have more or fewer processes: from samples to decisions. Pure; times are monotonic seconds.

What keeps it from going to and fro:

- More is decided on the mean of the last two samples, so that one alone decides nothing.
- Fewer is decided only where that has been right without a break for the whole cooldown, on means of five samples, and
  more has not been right for a moment of it. A load that comes back more often than the cooldown takes nothing away.
- Fewer is not decided where the same work, at its highest within that time and shared by those that are left, would
  call for more again.
- Where more follows soon after fewer, fewer was a mistake: the next time it waits twice as long, up to eight times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from msgspec import Struct

from circus_stack.plugins.scaling.policy import Policy
from circus_stack.scaling import Condition

_UP_SAMPLES, _DOWN_SAMPLES = 2, 5
# Figures that fall to fewer processes in proportion.
_SHARED = ("busy", "cpu")
_MOST_PATIENCE = 8
# Within so many cooldowns after fewer, more means that it was a mistake.
_REGRET = 2


class Decision(Struct, frozen=True):
    """From how many processes to how many, and why."""

    old: int
    new: int
    reason: str


class Scaler:
    """One watcher's. `number` is how many processes it is to have, `now` when the autoscaler first saw that."""

    def __init__(self, policy: Policy, number: int, now: float) -> None:
        self.policy = policy
        self.number = number
        self.missing: tuple[str, ...] = ()
        self._samples: deque[Mapping[str, float]] = deque(maxlen=_DOWN_SAMPLES)
        self._changed_at = now
        self._down_since: float | None = None
        # Of what is shared by all processes, the highest since then.
        self._peaks: dict[str, float] = {}
        self._lowered_at: float | None = None
        self._patience = 1

    def follow(self, policy: Policy, number: int, now: float) -> None:
        """What the watcher asks for, and how many processes it is to have: after a change the cooldowns begin anew,
        whoever has made it."""
        if number != self.number:
            self._note_change(number, now)
        if (policy.up, policy.down) != (self.policy.up, self.policy.down):
            self.forget()
        self.policy = policy

    def _note_change(self, number: int, now: float) -> None:
        if number < self.number:
            self._lowered_at = now
        elif self._lowered_at is not None:
            is_regret = now - self._lowered_at <= _REGRET * self._hold_s
            self._patience = min(2 * self._patience, _MOST_PATIENCE) if is_regret else 1
            self._lowered_at = None
        self.number, self._changed_at = number, now
        # They were of another number of processes.
        self.forget()

    def forget(self) -> None:
        """What was sampled counts no more: processes were replaced, or nothing came for a while."""
        self._samples.clear()
        self._down_since = None

    @property
    def _hold_s(self) -> float:
        return self.policy.down_cooldown_s * self._patience

    def take(self, figures: Mapping[str, float], now: float) -> Decision | None:
        """One sample. `missing` is then what a condition needed and nobody knew."""
        self._samples.append(figures)
        recent, smooth = _mean(self._samples, _UP_SAMPLES), _mean(self._samples, _DOWN_SAMPLES)
        up, down = self.policy.up.holds(recent), self.policy.down.holds(smooth)
        self.missing = _missing((self.policy.up, up, recent), (self.policy.down, down, smooth))
        self._note_calm(up is False and down is True, recent, now)
        if len(self._samples) < _UP_SAMPLES:
            return None
        return self._more(recent, now) if up else self._fewer(smooth, now)

    def _note_calm(self, is_calm: bool, figures: Mapping[str, float], now: float) -> None:
        """How long fewer has been right, and how much work there was at most meanwhile."""
        if not is_calm:
            self._down_since = None
        elif self._down_since is None:
            self._down_since, self._peaks = now, {}
        for name in _SHARED:
            if name in figures:
                self._peaks[name] = max(figures[name], self._peaks.get(name, 0.0))

    def _more(self, figures: Mapping[str, float], now: float) -> Decision | None:
        policy = self.policy
        if not policy.range.least <= self.number < policy.range.most or now - self._changed_at < policy.up_cooldown_s:
            return None
        return self._decision(policy.range.clamp(self.number + policy.step), policy.up.reason(figures))

    def _fewer(self, figures: Mapping[str, float], now: float) -> Decision | None:
        policy = self.policy
        if self._down_since is None or not policy.range.least < self.number <= policy.range.most:
            return None
        if now - max(self._down_since, self._changed_at) < self._hold_s:
            return None
        for number in range(policy.range.clamp(self.number - policy.step), self.number):
            then = {name: peak * self.number / number for name, peak in self._peaks.items()}
            if policy.up.holds({**figures, **then}) is False:
                return self._decision(number, policy.down.reason(figures))
        # There was too much work for that: the wait begins anew, and what was so far counts no more.
        self._down_since = None
        return None

    def _decision(self, number: int, reason: str) -> Decision:
        return Decision(self.number, number, reason)


def _mean(samples: Iterable[Mapping[str, float]], most: int) -> dict[str, float]:
    """Of the last samples; a figure that the newest lacks is not known now."""
    recent = list(samples)[-most:]
    means = {}
    for name in recent[-1]:
        known = [each[name] for each in recent if name in each]
        means[name] = sum(known) / len(known)
    return means


def _missing(*judged: tuple[Condition, bool | None, Mapping[str, float]]) -> tuple[str, ...]:
    """What kept a condition from a verdict."""
    found = {name for condition, verdict, figures in judged if verdict is None for name in condition.missing(figures)}
    return tuple(sorted(found))
