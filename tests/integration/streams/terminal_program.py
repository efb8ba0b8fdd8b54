"""A program as small as can be that prints as `serve` does: runs one command and shows its output.

Arguments: prefixed | json | raw, seconds of sink_timeout, the command.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from circus_stack.cli.terminal import Terminal, open_json, open_prefixed, open_raw
from circus_stack.config.schema import WatcherConfig
from circus_stack.streams.streams import Streams
from circus_stack.streams.tail import LiveTail


def open_terminal(kind: str) -> Terminal:
    if kind == "json":
        return open_json()
    return open_raw(os.environ) if kind == "raw" else open_prefixed(os.environ, {"web": 1})


async def main(kind: str, timeout_s: float, command: list[str]) -> None:
    terminal = open_terminal(kind)
    terminal.say("begin")
    streams = Streams(
        loop=asyncio.get_running_loop(),
        tail=LiveTail(),
        on_drop=lambda dropped: terminal.say(str(dropped)),
        stdout=terminal.stdout,
        stderr=terminal.stderr,
        sink_timeout_s=timeout_s,
    )
    capture = streams.open(WatcherConfig(name="web"), 1)
    child = subprocess.Popen(command, stdout=capture.stdout_fd, stderr=capture.stderr_fd)  # noqa: ASYNC220
    capture.attach(child.pid)
    await asyncio.to_thread(child.wait, 60)
    await capture.wait_drained(60)
    await streams.aclose()
    terminal.say("end")
    terminal.close(timeout_s)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), sys.argv[3:]))
