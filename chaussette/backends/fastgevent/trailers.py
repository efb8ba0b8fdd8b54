"""How much may follow the last chunk of a body: trailers are dropped, and bounded as the head is. Does no I/O.

llhttp hands a trailer on once it is complete, and doesn't tell where it began: those that are complete are counted by
what they consist of, an endless one by what was fed wholly behind the size of the last chunk. Only blanks around a
value count in the one way and not in the other.
"""

from __future__ import annotations

from chaussette.backends.fastgevent.body import Body
from chaussette.backends.fastgevent.limits import Limits
from chaussette.backends.fastgevent.refusal import RequestRefusedError

# A colon, a blank and the end of the line.
_AROUND = 4
# The empty line that ends them.
_END = 2


class Trailers:
    """Those of one chunked body. `start`: how much of the body had come in when the last size of a chunk did; behind
    the size that is 0 it stays like this."""

    __slots__ = ("_body", "_count", "_fed", "_limits", "_size", "start")

    def __init__(self, body: Body, limits: Limits) -> None:
        self._body = body
        self._limits = limits
        self._count = 0
        self._size = 0
        self._fed = 0
        self.start = -1

    def begin_chunk(self) -> None:
        """The size of a chunk came in: what follows are its bytes, or trailers."""
        self.start = self._body.total

    def add(self, name: bytes, value: bytes) -> None:
        """One came in. Raises RequestRefusedError where it is one too many."""
        self._count += 1
        self._size += len(name) + len(value) + _AROUND
        if self._count > self._limits.headers:
            raise RequestRefusedError(431, f"there are more than {self._limits.headers} trailers")
        self._check(self._size)

    def fed(self, size: int, start: int) -> None:
        """So many bytes were fed, before which `start` was that. Raises RequestRefusedError where they are trailers,
        and too many."""
        if start == self.start == self._body.total:
            self._fed += size
            self._check(self._fed - _END)

    def _check(self, size: int) -> None:
        if size > self._limits.head:
            raise RequestRefusedError(431, f"the trailers are larger than {self._limits.head} bytes")
