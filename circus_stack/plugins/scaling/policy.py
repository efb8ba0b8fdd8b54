"""What a watcher asks of the autoscaler, out of its options as an arbiter sends them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from circus_stack.literals import parse_bool, parse_seconds, parse_whole
from circus_stack.scaling import Condition, ScaleRange, parse_condition, parse_range


class Policy(Struct, frozen=True, kw_only=True):
    """Cooldowns are seconds. With `is_dry_run` decisions are only told."""

    range: ScaleRange
    up: Condition
    down: Condition
    up_cooldown_s: float
    down_cooldown_s: float
    step: int = 1
    is_dry_run: bool = False


def policy_of(options: Mapping[str, Any]) -> Policy | None:
    """None for a watcher without a range. Raises ValueError for options that no arbiter of ours would send."""
    if not options.get("scale_range"):
        return None
    try:
        return Policy(
            range=parse_range(str(options["scale_range"])),
            up=parse_condition(str(options["scale_up_when"])),
            down=parse_condition(str(options["scale_down_when"])),
            up_cooldown_s=parse_seconds(options["scale_up_cooldown"]),
            down_cooldown_s=parse_seconds(options["scale_down_cooldown"]),
            step=parse_whole(options["scale_step"], 1),
            is_dry_run=parse_bool(str(options["scale_dry_run"])),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"its options are none of circus-stack's: {error!r}") from None
