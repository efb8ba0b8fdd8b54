"""Hooks for the tests: each writes down that it was called, in this very process, and does what its name says."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from circus_stack.config.values import HookConfig

# (hook, its keywords), in the order of the calls.
calls: list[tuple[str, dict[str, Any]]] = []
# A hook that hangs is let go at the end of its test, so that no thread is left over.
_let_go = threading.Event()
ALL = (
    "before_start", "after_start", "before_spawn", "after_spawn", "before_signal", "after_signal",
    "before_stop", "after_stop", "before_reap", "after_reap",
)  # fmt: skip


@contextmanager
def recording() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    calls.clear()
    _let_go.clear()
    try:
        yield calls
    finally:
        let_go()
        for thread in threading.enumerate():
            if thread.name.startswith("hook "):
                thread.join(20)


def let_go() -> None:
    """Whatever hangs returns."""
    _let_go.set()


def names() -> list[str]:
    return [name for name, _ in calls]


def declared(default: str | None = "agree", *, ignore: bool = False, **others: str) -> dict[str, HookConfig]:
    """All hooks but extended_stats with one callable of this module, and some with others."""
    chosen = {} if default is None else dict.fromkeys(ALL, default)
    return {name: HookConfig(f"{__name__}.{function}", ignore) for name, function in {**chosen, **others}.items()}


def agree(watcher: Any, arbiter: Any, hook_name: str, **kwargs: Any) -> bool:
    calls.append((hook_name, kwargs))
    return True


def refuse(watcher: Any, arbiter: Any, hook_name: str, **kwargs: Any) -> bool:
    calls.append((hook_name, kwargs))
    return False


def fail(watcher: Any, arbiter: Any, hook_name: str, **kwargs: Any) -> bool:
    calls.append((hook_name, kwargs))
    raise ValueError("boom")


def leave(watcher: Any, arbiter: Any, hook_name: str, **kwargs: Any) -> bool:
    calls.append((hook_name, kwargs))
    sys.exit(3)


def hang(watcher: Any, arbiter: Any, hook_name: str, **kwargs: Any) -> bool:
    calls.append((hook_name, kwargs))
    _let_go.wait(60)
    return True


def look(watcher: Any, arbiter: Any, hook_name: str, **kwargs: Any) -> bool:
    """What a hook that was written for Circus looks at."""
    seen = {
        "name": watcher.name,
        "cmd": watcher.cmd,
        "env": watcher.env,
        "numprocesses": watcher.numprocesses,
        "singleton": watcher.singleton,
        "status": watcher.status(),
        "pids": watcher.pids,
        "ages": [process.age() >= 0 and process.is_alive() for process in watcher.processes.values()],
        "others": sorted(each.name for each in arbiter.watchers),
        "same": arbiter.get_watcher("WEB").pids,
        "free": watcher.flavour,
        "delay": arbiter.check_delay,
        "options": dict(watcher.options())["priority"],
    }
    calls.append((hook_name, seen))
    return True


def zombie(watcher: Any, arbiter: Any, hook_name: str, **kwargs: Any) -> bool:
    stat = Path(f"/proc/{kwargs['process_pid']}/stat").read_text()
    calls.append((hook_name, {"state": stat.rpartition(")")[2].split()[0]}))
    return True


def run_program(watcher: Any, arbiter: Any, hook_name: str, **kwargs: Any) -> bool:
    calls.append((hook_name, {"status": subprocess.run(["sh", "-c", "exit 7"], check=False).returncode}))
    return True


def measure(watcher: Any, arbiter: Any, hook_name: str, pid: int, stats: dict[str, Any]) -> bool:
    stats["requests"] = 42
    return True
