"""One try of a probe: whether a process, or a watcher, answers from outside. Bounded, and never in the loop's way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from circus_stack.config.values import Readiness, ReadinessForm
from circus_stack.config.words import split
from circus_stack.errors import SpawnError
from circus_stack.exits import describe_exit

# Runs a command line to its end and gives its exit code; when cancelled it kills it with all of its group.
RunCommand = Callable[[list[str]], Awaitable[int]]

# What is read of an HTTP answer: the status line is all that counts.
_STATUS_LINE_LIMIT = 4096
# Of what a wrong answer says.
_SHOWN = 60


async def attempt(probe: Readiness, run: RunCommand, timeout_s: float) -> str:
    """One try of `tcp:`, `http:` or `exec:`: what was wrong, or nothing. `run` is for `exec:`."""
    try:
        async with asyncio.timeout(timeout_s):
            match probe.form:
                case ReadinessForm.TCP:
                    return await _tcp(probe.target)
                case ReadinessForm.HTTP:
                    return await _http(probe.target)
                case ReadinessForm.EXEC:
                    code = await run(split(probe.target))
                    return "" if code == 0 else f"{probe.target[:_SHOWN]!r} {describe_exit(code)}"
                case _:
                    return ""
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except ConnectionRefusedError:
        return "the connection was refused"
    except (EOFError, ConnectionError):
        return "the connection was closed without an answer"
    except (OSError, ValueError, asyncio.LimitOverrunError, SpawnError) as error:
        return str(error) or repr(error)


async def _tcp(target: str) -> str:
    host, _, port = target.rpartition(":")
    _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.close()
    return ""


async def _http(url: str) -> str:
    """A GET must be answered with a status below 400."""
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
        line = await reader.readuntil(b"\n")
    finally:
        writer.close()
    words = line.split()
    if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit():
        status = int(words[1])
        return "" if 200 <= status < 400 else f"answered {status}"
    return f"answered {line[:_SHOWN]!r}, which is not HTTP"
