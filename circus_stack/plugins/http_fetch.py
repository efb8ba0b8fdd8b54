"""One HTTP request to its end, beside an event loop: in a thread that can hold up nobody's exit."""

from __future__ import annotations

import asyncio
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")

_PIECE = 65536
# What Circus counts where there was no answer at all.
NO_ANSWER = 599
# Proxies of the environment are not for a check of a server of one's own.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Fetched(Struct, frozen=True):
    """`status` is the server's, NO_ANSWER without one; `seconds` until the last byte; `reason` of a failure."""

    status: int
    seconds: float
    reason: str = ""

    @property
    def is_error(self) -> bool:
        """Whether a check has failed: no answer, or a status of 400 and more."""
        return bool(self.reason) or self.status >= 400


async def fetch(url: str, timeout_s: float) -> Fetched:
    """GET a URL, its body to the end included, within `timeout_s` seconds in all."""
    begun = time.monotonic()
    try:
        return await asyncio.wait_for(_in_thread(lambda: _fetch(url, timeout_s)), timeout_s)
    except TimeoutError:
        return Fetched(NO_ANSWER, time.monotonic() - begun, f"no answer within {timeout_s:g} s")


def _fetch(url: str, timeout_s: float) -> Fetched:
    begun = time.monotonic()
    deadline = begun + timeout_s
    try:
        with _opener.open(url, timeout=timeout_s) as response:
            # A server that sends a byte now and then must not keep the thread for ever.
            while response.read1(_PIECE) and time.monotonic() < deadline:
                pass
            return Fetched(response.status, time.monotonic() - begun)
    except urllib.error.HTTPError as error:
        with error:
            return Fetched(error.code, time.monotonic() - begun, f"status {error.code} {error.reason}")
    except Exception as error:
        # Of what a server may send, http.client has a dozen exceptions: each of them means no answer.
        return Fetched(NO_ANSWER, time.monotonic() - begun, str(error) or type(error).__name__)


async def _in_thread(work: Callable[[], T]) -> T:
    """The result of a blocking call. Its thread is a daemon: asyncio's own executor is waited for at exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T) -> None:
        if not done.done():
            done.set_result(result)

    def run() -> None:
        result = work()
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=run, name="http check", daemon=True).start()
    return await done
