"""A request body that ends where its Content-Length says, as PEP 3333 wants `wsgi.input` to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol


class Reader(Protocol):
    """The part of a buffered binary file that is read from."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


class Lines(ABC):
    """What an input has once it has `readline`."""

    __slots__ = ()

    @abstractmethod
    def readline(self, size: int | None = -1) -> bytes:
        """Up to and with the next line feed, no more than `size` bytes."""

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """All lines that are left, or as many as reach `hint` bytes."""
        lines: list[bytes] = []
        total = 0
        for line in self:
            lines.append(line)
            total += len(line)
            if hint is not None and 0 < hint <= total:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line


class LimitedInput(Lines):
    """The first `length` bytes of `source`, as a file that is read once."""

    def __init__(self, source: Reader, length: int) -> None:
        self._source = source
        self._left = length

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes, all that is left for None or a negative number."""
        wanted = self._wanted(size)
        return self._count(self._source.read(wanted)) if wanted else b""

    def readline(self, size: int | None = -1) -> bytes:
        """Up to and with the next line feed, no more than `size` bytes."""
        wanted = self._wanted(size)
        return self._count(self._source.readline(wanted)) if wanted else b""

    def discard(self, most: int) -> None:
        """Read and forget up to `most` bytes of what is left."""
        if 0 < self._left <= most:
            self.read()

    def _wanted(self, size: int | None) -> int:
        return self._left if size is None or size < 0 else min(size, self._left)

    def _count(self, data: bytes) -> bytes:
        """Take `data` off what is left; end of file before the promised length ends the body too."""
        self._left -= len(data)
        if not data:
            self._left = 0
        return data
