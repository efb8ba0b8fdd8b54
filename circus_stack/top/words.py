"""Numbers as people read them in a narrow column; an empty text for what nobody knows. Pure."""

from __future__ import annotations

_UNITS = "KMGTP"


def percent(value: float | None) -> str:
    """`0.4`, `37`, `1204`: percent of one core, without the sign."""
    if value is None:
        return ""
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def size(value: float | None) -> str:
    """Bytes in at most five characters: `512B`, `9.8M`, `123M`, `1.2G`."""
    if value is None:
        return ""
    if value < 1024:
        return f"{int(value)}B"
    number = float(value)
    for unit in _UNITS:
        number /= 1024
        if number < 9.95:
            return f"{number:.1f}{unit}"
        if number < 999.5:
            return f"{number:.0f}{unit}"
    return f"{number:.0f}{_UNITS[-1]}"


def rate(value: float | None) -> str:
    """A second: `0`, `3.1`, `870`, `12.4k`."""
    if value is None:
        return ""
    if value >= 9_999.5:
        return f"{value / 1000:.1f}k"
    return f"{value:.0f}" if value >= 99.95 or value == 0 else f"{value:.1f}"


def latency(value: float | None) -> str:
    """Seconds: `85us`, `3.1ms`, `240ms`, `1.2s`, `75s`."""
    if value is None:
        return ""
    if value < 0.000_999_5:
        return f"{value * 1e6:.0f}us"
    if value < 0.009_95:
        return f"{value * 1e3:.1f}ms"
    if value < 0.999_5:
        return f"{value * 1e3:.0f}ms"
    return f"{value:.1f}s" if value < 9.95 else f"{value:.0f}s"


def age(value: float | None) -> str:
    """Seconds in the one or two units that matter: `42s`, `3m20`, `5h02`, `9d04`."""
    units = _units_of(value)
    return "".join(units)[:-1] if len(units) > 1 else "".join(units)


def spaced_age(value: float | None) -> str:
    """The same where there is room: `42s`, `3m 20s`, `5h 02m`, `9d 04h`."""
    return " ".join(_units_of(value))


def _units_of(seconds: float | None) -> tuple[str, ...]:
    if seconds is None:
        return ()
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d", f"{hours:02d}h"
    if hours:
        return f"{hours}h", f"{minutes:02d}m"
    return (f"{minutes}m", f"{rest:02d}s") if minutes else (f"{rest}s",)


def count(value: int | None) -> str:
    """A plain number."""
    return "" if value is None else str(value)


def plural(number: int, noun: str, ending: str = "s") -> str:
    """`1 process`, `2 processes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{ending}"
