"""The recipe of memcached: its options, command and exported variables."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import cast

from circus_stack.config import kinds
from circus_stack.config.option import option
from circus_stack.errors import ServiceUnavailableError
from circus_stack.services.binaries import find_named, find_on_path
from circus_stack.services.memory import MEMORY
from circus_stack.services.plan import ServicePlan, Site
from circus_stack.services.probe import ping
from circus_stack.services.recipe import Recipe
from circus_stack.services.singleton import singleton
from circus_stack.services.unixpath import socket_path

_MIB = 1024 * 1024
# It keeps nothing: there is nothing to read at its start and nothing to save at its end.
_READY_TIMEOUT_S = 15.0
_GRACEFUL_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemcachedOptions:
    """Options of `[service:memcached]`."""

    binary: str | None = option(None, kinds.TEXT, "Server program: a path or a name on PATH.")
    port: int | None = option(None, kinds.PORT, "TCP port in place of the unix socket.")
    bind: str = option("127.0.0.1", kinds.TEXT, "Address that the TCP port is bound to.")
    memory: int = option(64 * _MIB, MEMORY, "How much memory the items may take; counted in whole MiB.")
    max_item_size: int = option(_MIB, MEMORY, "Size of the largest item.")
    connections: int = option(1024, kinds.COUNT, "How many connections may be open at once.")
    threads: int = option(4, kinds.COUNT, "Number of threads.")
    more_args: str = option("", kinds.TEXT, "More arguments of memcached, as on its command line.")


class MemcachedRecipe(Recipe):
    """memcached on a unix socket in the state directory, or on a TCP port if one is asked for: it cannot do both."""

    options = MemcachedOptions

    def plan(self, site: Site) -> ServicePlan:
        chosen = cast(MemcachedOptions, site.service.options)
        if chosen.port:
            place, address, server = self._tcp(site, chosen)
        else:
            sock = socket_path(site, "memcached.sock")
            place, address, server = ["-s", str(sock), "-a", "0700"], [f"unix:{sock}"], f"unix:{sock}"
        scheme = "memcached://" if chosen.port else ""
        return ServicePlan(
            watcher=singleton(
                site,
                shlex.join([self._binary(site, chosen), *place, *_limits(site, chosen)]),
                ping(site, "memcached", *address),
                ready_timeout=_READY_TIMEOUT_S,
                graceful_timeout=_GRACEFUL_TIMEOUT_S,
            ),
            directories=(site.state_dir,),
            exports={f"{site.prefix}_SERVERS": server, f"{site.prefix}_URL": scheme + server},
        )

    @staticmethod
    def _tcp(site: Site, chosen: MemcachedOptions) -> tuple[list[str], list[str], str]:
        """Arguments, the probe's address, and the address for clients."""
        # Written once it listens: by it, the probe tells ours from a stranger's memcached on the same port.
        pidfile = str(site.state_dir / "memcached.pid")
        server = f"[{chosen.bind}]:{chosen.port}" if ":" in chosen.bind else f"{chosen.bind}:{chosen.port}"
        place = ["-l", chosen.bind, "-p", str(chosen.port), "-U", "0", "-P", pidfile]
        return place, [f"tcp:{server}", pidfile], server

    @staticmethod
    def _binary(site: Site, chosen: MemcachedOptions) -> str:
        if site.has_own_command:
            return "memcached"
        if chosen.binary:
            return find_named(chosen.binary, site.environ)
        found = find_on_path(("memcached",), site.environ)
        if found is None:
            raise ServiceUnavailableError("memcached was not found. Install it: apt-get install memcached")
        return found


def _limits(site: Site, chosen: MemcachedOptions) -> list[str]:
    limits = ["-m", str(max(1, chosen.memory // _MIB)), "-I", str(chosen.max_item_size)]
    limits += ["-c", str(chosen.connections), "-t", str(chosen.threads)]
    if site.is_root and not site.service.watcher.get("uid"):
        # memcached refuses to run as root unless it is told so.
        limits += ["-u", "root"]
    return [*limits, *shlex.split(chosen.more_args)]
