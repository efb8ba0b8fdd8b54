"""One watcher that is looked after: what was said of it already, so that nothing is said twice. Pure."""

from __future__ import annotations

from msgspec import Struct

from circus_stack.plugins.scaling.scaler import Decision, Scaler

# Of the first samples of a watcher much is not known yet: rates need two looks.
_PATIENT_SAMPLES = 5
# Seconds until the same decision of a dry run is told again, at least.
_REPEATED_S = 60.0


class Charge(Struct):
    """`name` is the watcher's own; `held` what kept the last decision from being carried out."""

    name: str
    scaler: Scaler
    held: str = ""
    lacks: tuple[str, ...] = ()
    lacking: int = 0
    told: Decision | None = None
    told_at: float = 0.0
    sampled_at: float | None = None
    interval_s: float = 0.0

    def sampled(self, now: float) -> None:
        """A sample has come: `interval_s` is the time since the one before."""
        if self.sampled_at is not None:
            self.interval_s = now - self.sampled_at
        self.sampled_at = now

    def complaint(self) -> str:
        """What to say of figures that are missing, or are known again; mostly nothing."""
        missing = self.scaler.missing
        self.lacking = self.lacking + 1 if missing else 0
        if missing and missing != self.lacks and self.lacking >= _PATIENT_SAMPLES:
            self.lacks = missing
            return f"{self.name}: nobody knows its {', '.join(missing)}: what depends on that is not decided"
        if not missing and self.lacks:
            self.lacks = ()
            return f"{self.name}: its figures are known again"
        return ""

    def is_news(self, decision: Decision, now: float) -> bool:
        """Of a dry run: whether the decision has to be told (again)."""
        known, at = self.told, self.told_at
        is_same = known is not None and (known.old, known.new) == (decision.old, decision.new)
        if is_same and now - at < max(_REPEATED_S, self.scaler.policy.down_cooldown_s):
            return False
        self.told, self.told_at = decision, now
        return True
