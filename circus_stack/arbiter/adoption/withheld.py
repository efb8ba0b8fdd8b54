"""Whether the next arbiter could fetch descriptors out of the processes of this one. Looks, and decides nothing.

The next arbiter is taken to be of the same user, to have the same powers, and not to be an ancestor of the processes.
"""

from __future__ import annotations

from pathlib import Path

from circus_stack.system.capabilities import CAP_SYS_PTRACE, has_capability
from circus_stack.system.foreign_fds import can_fetch

# Documentation/admin-guide/LSM/Yama.rst: 1, descendants only; 2, CAP_SYS_PTRACE only; 3, nobody.
_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
_DESCENDANTS_ONLY, _NOBODY = 1, 3


def why_withheld(yama: Path = _YAMA) -> str:
    """Why none of them would let us, in words; empty where most do."""
    if not can_fetch():
        return "the kernel, or a filter of its calls, forbids pidfd_getfd"
    scope = _scope(yama)
    if scope >= _NOBODY or (scope >= _DESCENDANTS_ONLY and not sees_all()):
        return f"kernel.yama.ptrace_scope is {scope}"
    return ""


def sees_all() -> bool:
    """Whether this arbiter may look into every process, whoever's it is: none of them has to be asked then."""
    return has_capability(CAP_SYS_PTRACE)


def _scope(yama: Path) -> int:
    try:
        return int(yama.read_text())
    except (OSError, ValueError):
        return 0
