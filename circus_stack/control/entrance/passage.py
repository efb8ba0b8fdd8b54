"""One client's way through: what it sends goes on to libzmq, and back. Knows bytes, no messages."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import time
from collections.abc import Callable

# What is read at a time, and what waits at most for a side that doesn't read: more stays with who has sent it.
_CHUNK = 65_536
# ZMTP 3: the client's greeting has 64 bytes, its READY follows. With CURVE the server has sent its greeting and a
# WELCOME of 170 bytes by then, and says READY only to an authorised key; to another an ERROR of 12 bytes.
_GREETING = 64
_WELCOMED = 64 + 170 + 12


class Passage:
    """Carries bytes both ways between `client` and `inner`, the end that leads to libzmq; owns both.

    `on_end(passage)` is called once it is over. `was_cut` tells then whether it was libzmq that hung up.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        client: socket.socket,
        inner: socket.socket,
        *,
        peer: str,
        is_guarded: bool,
        on_end: Callable[[Passage], None],
    ) -> None:
        self.peer = peer
        self.was_cut = False
        self.heard_at = time.monotonic()
        self._on_end = on_end
        self.is_guarded = is_guarded
        self._is_over = False
        self._up = _Lane(loop, client, inner, self._moved)
        self._down = _Lane(loop, inner, client, self._moved)

    @property
    def is_through(self) -> bool:
        """Whether the client has said who it is: until then it may be anybody, or nothing at all."""
        return self._down.carried > _WELCOMED if self.is_guarded else self._up.carried > _GREETING

    def _moved(self) -> None:
        """Bytes went through, or a side has ended."""
        self.heard_at = time.monotonic()
        if self._down.is_ended or self._up.is_broken:
            self.was_cut = not self._up.is_ended
        if self._down.is_done or self._up.is_broken:
            self.close()

    def part(self) -> None:
        """Move nothing by itself any more; `wanted` and `step` carry what libzmq has still to say."""
        self._up.stop()
        self._down.stop()

    def wanted(self) -> tuple[int, int] | None:
        """The descriptor, and the event of poll(2), that the way to the client waits for; None at its end."""
        return self._down.wanted()

    def step(self) -> None:
        """Carry to the client what can be carried without waiting, one piece at most."""
        self._down.step()

    def close(self) -> None:
        """Hang up on both. Safe to call twice."""
        if self._is_over:
            return
        self._is_over = True
        for lane in (self._up, self._down):
            lane.stop()
        for lane in (self._up, self._down):
            lane.source.close()
        self._on_end(self)


class _Lane:
    """One direction. At the end of `source` what was read is written before `target` hears of the end."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        source: socket.socket,
        target: socket.socket,
        on_move: Callable[[], None],
    ) -> None:
        self.source = source
        self.carried = 0
        self.is_ended = False
        self.is_broken = False
        self._target = target
        self._loop = loop
        self._on_move = on_move
        self._waiting = b""
        self._loop.add_reader(source, self._read)

    @property
    def is_done(self) -> bool:
        """Whether nothing more will come out at the other end."""
        return self.is_broken or self.is_ended

    def _read(self) -> None:
        self._take()
        if self._waiting or self.is_ended:
            self._loop.remove_reader(self.source)
        if self._waiting and not self.is_broken:
            self._loop.add_writer(self._target, self._write)
        self._on_move()

    def _write(self) -> None:
        self._give()
        if not self._waiting or self.is_broken:
            self._loop.remove_writer(self._target)
            if not self.is_ended and not self.is_broken:
                self._loop.add_reader(self.source, self._read)
        self._on_move()

    def _take(self) -> None:
        try:
            self._waiting = self.source.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._waiting = b""
        self.is_ended = not self._waiting
        self.carried += len(self._waiting)
        self._give()

    def _give(self) -> None:
        try:
            while self._waiting:
                self._waiting = self._waiting[self._target.send(self._waiting) :]
        except BlockingIOError:
            return
        except OSError:
            self.is_broken = True
            return
        if self.is_ended:
            with contextlib.suppress(OSError):
                self._target.shutdown(socket.SHUT_WR)

    def wanted(self) -> tuple[int, int] | None:
        """What to wait for before the next step; None once there is none."""
        if self.is_done:
            return None
        if self._waiting:
            return self._target.fileno(), select.POLLOUT
        return self.source.fileno(), select.POLLIN

    def step(self) -> None:
        """Carry on by one piece, without the loop."""
        if self._waiting:
            self._give()
        else:
            self._take()

    def stop(self) -> None:
        """Move nothing by itself any more."""
        self._loop.remove_reader(self.source)
        self._loop.remove_writer(self._target)
