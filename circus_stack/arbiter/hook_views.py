"""What a hook sees of its watcher and of the arbiter: read only, live, and safe to read from the hook's thread.

The names are those that hooks written for Circus use. Each look copies what it needs in one step of the interpreter,
so that the loop may go on changing things meanwhile; nothing here changes anything. A hook that wants to act sends a
command through the client library, as any other program does.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence

from circus_stack.arbiter.process import Process
from circus_stack.arbiter.watcher import Watcher
from circus_stack.config.schema import CircusConfig
from circus_stack.states import WatcherState
from circus_stack.system.descent import is_alive

# Circus knows no watcher that was given up: to a hook written for it, such a one is stopped.
_CIRCUS_STATES = {state: str(state) for state in WatcherState} | {WatcherState.FAILED: "stopped"}


@dataclasses.dataclass(frozen=True, slots=True)
class HookProcess:
    """One process of a watcher. `started` is seconds since the epoch, `wid` its slot."""

    pid: int
    wid: int
    started: float

    def age(self) -> float:
        """Seconds since its start."""
        return time.time() - self.started

    def is_alive(self) -> bool:
        """Whether there is a process of that number."""
        return is_alive(self.pid)


class WatcherView:
    """A watcher as a hook sees it. Every option of its configuration is an attribute too: `cmd`, `env`, `uid` ..."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    @property
    def name(self) -> str:
        return self._watcher.config.name

    @property
    def res_name(self) -> str:
        """The name as topics have it."""
        return self.name.lower().replace(" ", "_")

    @property
    def numprocesses(self) -> int:
        """How many processes it aims at."""
        return self._watcher.wanted

    @property
    def env(self) -> dict[str, str]:
        return dict(self._watcher.config.env)

    @property
    def processes(self) -> dict[int, HookProcess]:
        """Its living processes by pid."""
        return {each.pid: HookProcess(each.pid, each.wid, each.started_at) for each in self._living()}

    @property
    def pids(self) -> list[int]:
        return sorted(each.pid for each in self._living())

    def get_active_processes(self) -> list[HookProcess]:
        """Its living processes."""
        return list(self.processes.values())

    def status(self) -> str:
        """One of stopped, starting, active, stopping."""
        return _CIRCUS_STATES[self._watcher.state]

    def is_active(self) -> bool:
        return self.status() == "active"

    def is_starting(self) -> bool:
        return self.status() == "starting"

    def is_stopping(self) -> bool:
        return self.status() == "stopping"

    def is_stopped(self) -> bool:
        return self.status() == "stopped"

    def options(self) -> list[tuple[str, object]]:
        """All its options and what they are now, by name; free-form keys included."""
        config = self._watcher.config
        names = [each.name for each in dataclasses.fields(config) if each.name not in ("extra", "where", "name")]
        values = {name: getattr(config, name) for name in names}
        return sorted({**values, **config.extra, "numprocesses": self.numprocesses}.items())

    def __getattr__(self, name: str) -> object:
        config = self._watcher.config
        if name in config.extra:
            return config.extra[name]
        if name.startswith("_") or name not in {each.name for each in dataclasses.fields(config)}:
            raise AttributeError(f"a hook's view of a watcher has no {name}")
        return getattr(config, name)

    def __repr__(self) -> str:
        return f"<watcher {self.name}, {self.status()}>"

    def _living(self) -> list[Process]:
        # One step of the interpreter: the loop can't add or take away a process in the middle of it.
        return [each for each in tuple(self._watcher.processes.values()) if not each.is_lingering]


class ArbiterView:
    """The arbiter as a hook sees it: its watchers, and the endpoints that clients reach it by."""

    def __init__(self, watchers: Callable[[], Sequence[Watcher]], circus: Callable[[], CircusConfig | None]) -> None:
        self._watchers = watchers
        self._circus = circus

    @property
    def watchers(self) -> list[WatcherView]:
        return [WatcherView(each) for each in self._watchers()]

    def get_watcher(self, name: str) -> WatcherView:
        """By its name in any case; raises KeyError, as Circus does."""
        for each in self._watchers():
            if each.config.name.lower() == name.lower():
                return WatcherView(each)
        raise KeyError(name.lower())

    def iter_watchers(self, *, reverse: bool = True) -> list[WatcherView]:
        """By priority, the highest first."""
        return sorted(self.watchers, key=lambda each: each._watcher.config.priority, reverse=reverse)

    def numwatchers(self) -> int:
        return len(self._watchers())

    def numprocesses(self) -> int:
        return sum(len(each.pids) for each in self.watchers)

    def statuses(self) -> Mapping[str, str]:
        return {each.name: each.status() for each in self.watchers}

    def __getattr__(self, name: str) -> object:
        circus = None if name.startswith("_") else self._circus()
        if circus is None or name not in {each.name for each in dataclasses.fields(circus)}:
            raise AttributeError(f"a hook's view of the arbiter has no {name}")
        return getattr(circus, name)
