"""Which of root's powers this process has: a container may lack some. Reads /proc; changes nothing."""

from __future__ import annotations

from pathlib import Path

# linux/capability.h
CAP_SYS_PTRACE = 19
CAP_SYS_RESOURCE = 24


def has_capability(number: int) -> bool:
    """Whether the capability is in effect."""
    with Path("/proc/self/status").open("rb") as status:
        for line in status:
            if line.startswith(b"CapEff:"):
                return bool(int(line.split()[1], 16) >> number & 1)
    return False
