"""A watcher as an embedding program sees it: its options before the arbiter runs, its state and its commands after."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import PurePath
from shlex import split
from typing import Any

from circus_stack.config.dialect import CIRCUS
from circus_stack.config.runtime import watcher_from_options
from circus_stack.config.schema import WatcherConfig
from circus_stack.protocol.reply import Reply

Ask = Callable[..., Reply]
"""A command to the running arbiter: `ask("status", name="web")`."""

# Circus's own names for what has another one here.
_STREAMS = {"stdout_stream_conf": "stdout_stream", "stderr_stream_conf": "stderr_stream"}
# What never did anything for a single watcher.
_WITHOUT_EFFECT = frozenset({"stream_backend", "name"})


class Watcher:
    """One command, N processes. `options` are those of a `[watcher:NAME]` section; values may be texts or plain values.

    Raises ValueError where one is wrong. Each option is also an attribute: `watcher.numprocesses`.
    """

    def __init__(self, name: str, cmd: str, args: Any = None, **options: Any) -> None:
        given = {_STREAMS.get(key, key): value for key, value in options.items() if key not in _WITHOUT_EFFECT}
        if "hooks" in given:
            given["hooks"] = {name: _hook(name, hook) for name, hook in dict(given["hooks"] or {}).items()}
        self.config: WatcherConfig = watcher_from_options(name, cmd, args, given, CIRCUS)
        self.name = self.config.name
        # As a client would send them, to add the watcher to an arbiter that runs.
        self.given = {key: value for key, value in {"args": args, **given}.items() if value is not None}
        self._ask: Ask | None = None

    @classmethod
    def load_from_config(cls, config: Mapping[str, Any]) -> Watcher:
        """A watcher from a dict of its options, `name` and `cmd` among them."""
        return watcher_of(config, {})

    def attach(self, ask: Ask | None) -> None:
        """From here on the watcher belongs to a running arbiter; None: no longer."""
        self._ask = ask

    def with_env(self, env: Mapping[str, str]) -> Watcher:
        """The same watcher with `env` laid under its own variables."""
        self.config = dataclasses.replace(self.config, env={**env, **self.config.env})
        return self

    def __getattr__(self, name: str) -> Any:
        config = self.__dict__.get("config")
        if config is None or name.startswith("_"):
            raise AttributeError(name)
        if name in config.extra:
            return config.extra[name]
        return getattr(config, name)

    def __repr__(self) -> str:
        return f"<Watcher {self.name}: {self.config.cmd}>"

    # -- while the arbiter runs -------------------------------------------------------------------------------

    def status(self) -> str:
        """active, stopped, starting, stopping or failed; stopped without a running arbiter."""
        return str(self._tell("status")["status"]) if self._ask else "stopped"

    def is_active(self) -> bool:
        """Whether it is up."""
        return self.status() == "active"

    def is_stopped(self) -> bool:
        """Whether it is down."""
        return self.status() == "stopped"

    @property
    def pids(self) -> list[int]:
        """The pids of its processes."""
        return list(self._tell("list")["pids"]) if self._ask else []

    def get_active_pids(self) -> list[int]:
        """The same."""
        return self.pids

    def info(self) -> dict[str, Any]:
        """{pid: what it uses}."""
        return dict(self._tell("stats")["info"]) if self._ask else {}

    def options(self) -> dict[str, Any]:
        """All options as they are now."""
        return dict(self._tell("options")["options"])

    def start(self) -> Reply:
        """Start it; returns when it is up. Raises CommandError and CallError, as all that follow."""
        return self._tell("start", waiting=True, match="simple")

    def stop(self) -> Reply:
        """Stop it; returns when nothing of it is left."""
        return self._tell("stop", waiting=True, match="simple")

    def restart(self) -> Reply:
        """Stop, then start."""
        return self._tell("restart", waiting=True, match="simple")

    def reload(self, graceful: bool = True, sequential: bool = False) -> Reply:
        """Let new processes take over."""
        return self._tell("reload", waiting=True, graceful=graceful, sequential=sequential)

    def incr(self, nb: int = 1) -> int:
        """Add processes; how many are wanted then."""
        return int(self._tell("incr", nb=nb, waiting=True)["numprocesses"])

    def decr(self, nb: int = 1) -> int:
        """Take processes away; how many are wanted then."""
        return int(self._tell("decr", nb=nb, waiting=True)["numprocesses"])

    def _tell(self, command: str, **properties: Any) -> Reply:
        if self._ask is None:
            raise RuntimeError(f"{self.name}: the arbiter does not run")
        return self._ask(command, name=self.name, **properties)


def watcher_of(given: Mapping[str, Any] | Watcher, env: Mapping[str, str]) -> Watcher:
    """A watcher from a dict. Raises ValueError where there is no `cmd`, or where an option is wrong."""
    if isinstance(given, Watcher):
        return given.with_env(env)
    options = dict(given)
    cmd = str(options.pop("cmd", "") or "").strip()
    if not cmd:
        raise ValueError(f"a watcher needs a command; found {dict(given)!r}, legal: {{'cmd': 'myprogram', ...}}")
    name = options.pop("name", None) or PurePath(split(cmd)[0]).name
    return Watcher(str(name), cmd, **options).with_env(env)


def _hook(name: str, hook: Any) -> Any:
    """A hook's [dotted name, whether its failure is ignored]; a function is named by where it is defined."""
    function, *rest = [hook] if callable(hook) or isinstance(hook, str) else list(hook)
    if callable(function):
        dotted = f"{function.__module__}.{function.__qualname__}"
        if "<" in dotted:
            raise ValueError(f"hooks.{name}: {dotted} cannot be found by its name; legal: a function of a module")
        function = dotted
    return [function, bool(rest[0]) if rest else False]
