"""`wsgi.input`: the body of one request, read from the connection no faster than the application reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from chaussette.backends.body import Lines
from chaussette.backends.fastgevent.gone import ClientGoneError
from chaussette.backends.fastgevent.refusal import RequestRefusedError


class NoBody:
    """The input of a request without a body: at its end."""

    def read(self, _size: int | None = -1) -> bytes:
        """Nothing."""
        return b""

    readline = read

    def readlines(self, _hint: int | None = -1) -> list[bytes]:
        """None."""
        return []

    def __iter__(self) -> Iterator[bytes]:
        return iter(())


NO_BODY = NoBody()


class Body(Lines):
    """Holds what came in and was not read yet; `total` is how many bytes have come in. `pull` is the connection's: it
    waits for more and has it put here.

    Reading raises ClientGoneError where the client has gone, was too slow, or has sent what is no body.
    """

    __slots__ = ("_data", "_limit", "failure", "is_complete", "is_continue_wanted", "pull", "total")

    def __init__(self, limit: int) -> None:
        self._data = bytearray()
        self._limit = limit
        self.total = 0
        self.is_complete = False
        self.is_continue_wanted = False
        self.failure: RequestRefusedError | None = None
        self.pull: Callable[[], None] | None = None

    # -- filled by the parser -----------------------------------------------------------------------------------------

    def put(self, data: bytes) -> None:
        """A part came in. Raises RequestRefusedError where it is one too many."""
        self.total += len(data)
        if 0 < self._limit < self.total:
            raise RequestRefusedError(413, f"the body is larger than {self._limit} bytes")
        self._data += data

    def end(self) -> None:
        """All of it came in."""
        self.is_complete = True

    def fail(self, refusal: RequestRefusedError) -> None:
        """What came in is no body."""
        self.failure = refusal

    # -- read by the application --------------------------------------------------------------------------------------

    def read(self, size: int | None = -1) -> bytes:
        """`size` bytes, or as many as there are; all that is left for None or a negative number."""
        if size is None or size < 0:
            return self._read_all()
        while len(self._data) < size and self._wait():
            pass
        return self._take(size)

    def _read_all(self) -> bytes:
        while self._wait():
            pass
        return self._take(len(self._data))

    def readline(self, size: int | None = -1) -> bytes:
        """Up to and with the next line feed, no more than `size` bytes."""
        most = -1 if size is None else size
        looked_at = 0
        while True:
            end = self._data.find(b"\n", looked_at) + 1
            if end or 0 <= most <= len(self._data):
                length = end or len(self._data)
                return self._take(length if most < 0 else min(length, most))
            looked_at = len(self._data)
            if not self._wait():
                return self._take(len(self._data) if most < 0 else most)

    def discard(self, most: int) -> bool:
        """Read and forget what is left; False where there is more than `most` bytes of it, or it doesn't come."""
        self.is_continue_wanted = False
        start = self.total - len(self._data)
        try:
            while True:
                self._data.clear()
                if self.is_complete:
                    return True
                if self.total - start > most or not self._wait():
                    return self.is_complete
        except ClientGoneError:
            return False

    def _take(self, size: int) -> bytes:
        data = self._data
        if size >= len(data):
            taken = bytes(data)
            data.clear()
        else:
            taken = bytes(memoryview(data)[:size])
            del data[:size]
        return taken

    def _wait(self) -> bool:
        """Wait for more; False at the end."""
        if self.failure is not None:
            raise ClientGoneError(f"the body is malformed: {self.failure.reason}")
        if self.is_complete:
            return False
        if self.pull is None:
            raise ClientGoneError("the request is over")
        self.pull()
        return True
