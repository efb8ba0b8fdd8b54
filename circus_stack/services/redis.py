"""The recipes of Redis and of Valkey: their options, redis.conf, command and exported variables."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from circus_stack.config import kinds
from circus_stack.config.option import option
from circus_stack.errors import ServiceUnavailableError
from circus_stack.services.binaries import find_embedded_valkey, find_named, find_on_path
from circus_stack.services.memory import MEMORY
from circus_stack.services.plan import ServicePlan, Site
from circus_stack.services.probe import ping
from circus_stack.services.recipe import Recipe
from circus_stack.services.singleton import singleton
from circus_stack.services.unixpath import socket_path

# A word for `binary`: the server that the extra `redis` brings, even if another one is installed.
EMBEDDED = "embedded"
# Reading a large data set back takes minutes, and so may writing one.
_READY_TIMEOUT_S = 300.0
_GRACEFUL_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisOptions:
    """Options of `[service:redis]`; whatever else a redis.conf can say stands in a file that `include` names."""

    binary: str | None = option(
        None, kinds.TEXT, "Server program: a path, a name on PATH, or `embedded` for the one of the extra `redis`."
    )
    port: int | None = option(None, kinds.PORT, "TCP port beside the unix socket; none by default.")
    bind: str = option("127.0.0.1", kinds.TEXT, "Addresses that the TCP port is bound to.")
    db: int = option(0, kinds.COUNT, "Number of the database that the exported URL names.")
    databases: int = option(16, kinds.COUNT, "How many databases there are.")
    maxmemory: int | None = option(None, MEMORY, "How much memory the data may take; no limit by default.")
    maxmemory_policy: str = option(
        "noeviction",
        kinds.choice(
            "noeviction",
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-random",
            "volatile-lru",
            "volatile-lfu",
            "volatile-random",
            "volatile-ttl",
        ),
        "What is dropped when maxmemory is reached.",
    )
    appendonly: bool = option(True, kinds.BOOL, "Log every write, so that a crash loses a second at most.")
    appendfsync: str = option(
        "everysec", kinds.choice("always", "everysec", "no"), "How often the log of writes is forced to disk."
    )
    save: str | None = option(
        None,
        kinds.TEXT,
        "Snapshots, as in redis.conf (`3600 1 300 100`); by default none with appendonly, else Redis's own.",
    )
    loglevel: str = option("notice", kinds.choice("debug", "verbose", "notice", "warning"), "How much it logs.")
    include: str | None = option(None, kinds.TEXT, "A redis.conf of your own, read after our choices.")


class RedisRecipe(Recipe):
    """Redis on a unix socket in the state directory, and on a TCP port only if one is asked for."""

    options = RedisOptions
    names: tuple[str, ...] = ("redis-server", "valkey-server")
    scheme = "redis"
    install = "apt-get install redis-server, or pip install 'circus-stack[redis]' for an embedded one"

    def plan(self, site: Site) -> ServicePlan:
        chosen = cast(RedisOptions, site.service.options)
        sock = socket_path(site, "redis.sock")
        conf, data = site.state_dir / "redis.conf", site.state_dir / "data"
        return ServicePlan(
            watcher=singleton(
                site,
                shlex.join([self._binary(site, chosen), str(conf)]),
                # Always through the unix socket: on a TCP port, a stranger's Redis might be the one that answers.
                ping(site, "redis", f"unix:{sock}"),
                ready_timeout=_READY_TIMEOUT_S,
                graceful_timeout=_GRACEFUL_TIMEOUT_S,
            ),
            files={conf: render_conf(chosen, sock, data)},
            directories=(site.state_dir, data),
            exports=self._exports(site.prefix, chosen, sock),
        )

    def _binary(self, site: Site, chosen: RedisOptions) -> str:
        if site.has_own_command:
            return self.names[0]
        if chosen.binary and chosen.binary != EMBEDDED:
            return find_named(chosen.binary, site.environ)
        found = None if chosen.binary else find_on_path(self.names, site.environ)
        found = found or find_embedded_valkey()
        if found is None:
            wanted = "the embedded valkey-server" if chosen.binary else " or ".join(self.names)
            raise ServiceUnavailableError(f"{wanted} was not found. Install it: {self.install}")
        return found

    def _exports(self, prefix: str, chosen: RedisOptions, sock: Path) -> dict[str, str]:
        """`*_URL` as redis-py reads it; `*_SOCKET` for clients that want the bare path."""
        url = f"{self.scheme}://{_dialled(chosen.bind)}:{chosen.port}/{chosen.db}"
        if not chosen.port:
            url = f"unix://{sock}?db={chosen.db}"
        return {f"{prefix}_URL": url, f"{prefix}_SOCKET": str(sock)}


class ValkeyRecipe(RedisRecipe):
    """The same under Valkey's name: prefers valkey-server, exports VALKEY_URL."""

    names = ("valkey-server", "redis-server")
    scheme = "valkey"
    install = "apt-get install valkey-server, or pip install 'circus-stack[redis]' for an embedded one"


def render_conf(chosen: RedisOptions, sock: Path, data: Path) -> str:
    """The text of redis.conf: what may be overruled, then the user's include, then what makes it ours to supervise."""
    save = chosen.save if chosen.save is not None else "" if chosen.appendonly else None
    lines = [
        "# Written by circus-stack at each start; options of your own belong into the ini or into its `include`.",
        f"databases {chosen.databases}",
        f"loglevel {chosen.loglevel}",
        f"maxmemory {chosen.maxmemory or 0}",
        f"maxmemory-policy {chosen.maxmemory_policy}",
        f"appendonly {'yes' if chosen.appendonly else 'no'}",
        f"appendfsync {chosen.appendfsync}",
        "always-show-logo no",
    ]
    if save is not None:
        lines.append(f"save {save.strip() or quote('')}")
    if chosen.include:
        lines.append(f"include {quote(str(Path(chosen.include).expanduser().absolute()))}")
    lines += [
        f"port {chosen.port or 0}",
        f"bind {chosen.bind}",
        f"unixsocket {quote(str(sock))}",
        "unixsocketperm 700",
        f"dir {quote(str(data))}",
        "daemonize no",
        "supervised no",
        'logfile ""',
    ]
    return "\n".join(lines) + "\n"


def quote(text: str) -> str:
    """`text` as one word of redis.conf."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _dialled(bind: str) -> str:
    """The address that a client on this machine dials for what the server is bound to."""
    first = (bind.split() or ["127.0.0.1"])[0].lstrip("-")
    if first in ("*", "0.0.0.0"):
        return "127.0.0.1"
    if first in ("::", "::*"):
        return "[::1]"
    return f"[{first}]" if ":" in first else first
