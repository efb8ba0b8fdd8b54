"""Probes: how the arbiter learns from outside that a process serves. Each try is bounded, none blocks the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from circus_stack.config.values import Readiness, ReadinessForm
from circus_stack.config.words import split
from circus_stack.errors import SpawnError

# Runs a command line to its end and gives its exit code.
RunCommand = Callable[[list[str]], Awaitable[int]]

# Nothing wakes us when a foreign port opens: a probe has to ask again, often at first and then less so.
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.25
# One try of one probe.
_TRY_TIMEOUT_S = 5.0
# What is read of an HTTP answer: the status line is all that counts.
_STATUS_LINE_LIMIT = 4096


async def wait_ready(readiness: Readiness, run: RunCommand) -> None:
    """Return when the probe has succeeded; runs until it does or is cancelled. `run` is for `exec:`."""
    if readiness.form is ReadinessForm.DELAY:
        await asyncio.sleep(float(readiness.target))
        return
    pause_s = _FIRST_PAUSE_S
    while not await probe_once(readiness, run):
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)


async def probe_once(readiness: Readiness, run: RunCommand) -> bool:
    """One try of a `tcp:`, `http:` or `exec:` readiness."""
    try:
        async with asyncio.timeout(_TRY_TIMEOUT_S):
            match readiness.form:
                case ReadinessForm.TCP:
                    return await _tcp(readiness.target)
                case ReadinessForm.HTTP:
                    return await _http(readiness.target)
                case ReadinessForm.EXEC:
                    return await run(split(readiness.target)) == 0
                case _:
                    return True
    except (OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError, SpawnError):
        return False


async def _tcp(target: str) -> bool:
    host, _, port = target.rpartition(":")
    _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.close()
    return True


async def _http(url: str) -> bool:
    """Whether a GET is answered with a status below 400."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    host = parts.hostname or "localhost"
    reader, writer = await asyncio.open_connection(
        host, parts.port or (443 if tls else 80), ssl=tls or None, limit=_STATUS_LINE_LIMIT
    )
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        words = (await reader.readuntil(b"\n")).split()
        return len(words) > 1 and words[0].startswith(b"HTTP/") and 200 <= int(words[1]) < 400
    finally:
        writer.close()
