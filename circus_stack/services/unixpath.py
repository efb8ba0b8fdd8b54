"""Where a service's unix socket goes: its path must fit into the kernel's 107 bytes. Pure."""

from __future__ import annotations

import os
from pathlib import Path

from circus_stack.errors import ConfigError, Problem
from circus_stack.services.plan import Site

# sizeof(sun_path) is 108 on Linux, the last byte being a NUL.
LIMIT = 107


def socket_path(site: Site, name: str) -> Path:
    """`name` in the service's state directory, or in the runtime directory where that is too long.

    Raises ConfigError if neither fits.
    """
    for path in (site.state_dir / name, site.runtime_dir / name):
        if len(os.fsencode(path)) <= LIMIT:
            return path
    raise ConfigError(
        [
            Problem(
                f"no path for its unix socket is short enough ({LIMIT} bytes)",
                section=f"service:{site.service.name}",
                option="port",
                found=str(site.state_dir / name),
                legal="a shorter [circus] state_dir or runtime_dir, or a TCP port",
            )
        ]
    )
