"""Figures of processes as people read them: the text fields that Circus's statistics have. Pure."""

from __future__ import annotations

_UNITS = "KMGTPE"


def format_bytes(count: int) -> str:
    """1510000 -> `1.44M`; below one KiB `512B`."""
    if count < 1024:
        return f"{count}B"
    size = float(count)
    for unit in _UNITS:
        size /= 1024
        if size < 1024:
            return f"{size:.2f}{unit}"
    return f"{size:.2f}{_UNITS[-1]}"


def format_cpu_time(seconds: float) -> str:
    """Seconds of CPU as `m:ss.cc`."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{int(rest):02d}.{int(rest * 100) % 100:02d}"
