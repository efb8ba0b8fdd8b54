"""One run of a stack that a program declares: in this process, whoever's it is."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from circus_stack.api import alias
from circus_stack.api.surroundings import own_output, umask_of
from circus_stack.client.discovery import read_stack
from circus_stack.config.schema import StackConfig
from circus_stack.daemon import Daemon, Setting, arrange, bind
from circus_stack.protocol.rundir import RuntimePaths, runtime_paths, runtime_root, stack_id, state_directory

# Called with the endpoint of commands and that of events.
OnBound = Callable[[str, str], None]


def run_stack(
    read: Callable[[], StackConfig],
    source: str,
    *,
    is_embedded: bool,
    on_bound: OnBound,
    on_up: Callable[[], None],
) -> None:
    """Run until somebody asks for the end. `source` tells this stack from others; `on_bound` is called once commands
    are answered, `on_up` when everything has come up. `is_embedded`: the process is somebody else's program.

    Raises CircusStackError where it can't start: an endpoint or a socket is taken, a command is missing.
    """
    alias.install()
    stack = read()
    paths = _paths(stack, source)

    def bound_at() -> None:
        found = read_stack(paths)
        if found is None:
            on_bound(stack.circus.endpoint, stack.circus.pubsub_endpoint)
        else:
            # At the ports, too, that the kernel has chosen.
            on_bound(found.record.endpoint, found.record.pubsub_endpoint)

    with own_output() as (stdout, stderr):
        setting = Setting(
            paths=paths,
            state_dir=state_directory(os.environ, Path.home(), stack_id(source)),
            source=source,
            read=read,
            environ=dict(os.environ),
            rereads_on_hup=False,
            is_embedded=is_embedded,
            stdout=stdout,
            stderr=stderr,
            on_up=on_up,
            on_bound=bound_at,
        )
        arrangement = arrange(setting)
        with umask_of(stack.circus.umask):
            asyncio.run(Daemon(setting, bind(setting, arrangement)).run())


def _paths(stack: StackConfig, source: str) -> RuntimePaths:
    if stack.circus.runtime_dir is not None:
        return RuntimePaths(Path(stack.circus.runtime_dir).absolute())
    root = runtime_root(os.environ, os.geteuid(), Path(tempfile.gettempdir()))
    return runtime_paths(root, stack_id(source))
