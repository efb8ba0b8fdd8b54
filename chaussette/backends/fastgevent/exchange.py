"""One request and its response: runs the application and sends what it returns, as HTTP/1.1 frames it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Protocol

from chaussette.backends.fastgevent.dates import Dates
from chaussette.backends.fastgevent.files import FileWrapper
from chaussette.backends.fastgevent.gone import ClientGoneError
from chaussette.backends.fastgevent.head import Role, Whole, header_line, heads, learn_head, lines, status_line
from chaussette.backends.fastgevent.parser import Request

log = logging.getLogger("chaussette")

_NONE, _LENGTH, _DATE, _SERVER, _CONNECTION, _ENCODING, _UPGRADE = (int(role) for role in Role)
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
_CLOSE = b"Connection: close\r\n"
_KEEP = b"Connection: keep-alive\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_BROKEN = b"The application failed.\n"


class Wire(Protocol):
    """Where responses go."""

    def send(self, data: bytes) -> None:
        """Send all of it; ClientGoneError where the client has gone or takes nothing."""

    def send_file(self, fd: int, offset: int, count: int) -> None:
        """Send a part of a file; ClientGoneError as above, and where the file is shorter than that."""


class Exchange:
    """`run` answers the request; then `closes` says whether the connection must end."""

    # Here, not set for each: most set few of them.
    _status: bytes | None = None
    # The head, where its very status and headers were seen before.
    _whole: Whole | None = None
    _headers: Sequence[tuple[str, str]] = ()
    is_head_sent = False
    _is_chunked = False
    # Bytes of the promised length that are not sent; None where none was promised.
    _left: int | None = None

    def __init__(self, wire: Wire, app: Callable[..., Any], request: Request, dates: Dates, closes: bool) -> None:
        self._wire = wire
        self._app = app
        self._request = request
        self._dates = dates
        self._is_bodiless = request.is_head
        self.closes = closes or not request.keeps_alive

    def run(self) -> None:
        """Call the application and send its response.

        Raises ClientGoneError. SystemExit and its like pass; anything else becomes a 500 or, once the head is out, the
        end of the connection.
        """
        try:
            result = self._app(self._request.environ, self.start_response)
            if type(result) is list and len(result) == 1:
                self._send_whole(result[0])
            else:
                self._send_result(result)
        except ClientGoneError:
            self.closes = True
            raise
        except Exception:
            self._failed()

    # -- what the application calls -----------------------------------------------------------------------------------

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: _ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        """PEP 3333's."""
        if exc_info:
            try:
                if self.is_head_sent and exc_info[1] is not None:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._status is not None:
            raise AssertionError("start_response was called twice without exc_info")
        key = (status, tuple(headers))
        self._whole = whole = heads.get(key)
        if whole is None:
            for header in headers:
                if header not in lines:
                    header_line(header)
            self._status = status_line(status)
            learn_head(key)
        else:
            self._status = whole[0]
        self._headers = headers
        return self.write

    def write(self, data: bytes) -> None:
        """PEP 3333's, for applications from before it: send now."""
        if self._status is None:
            raise AssertionError("write() before start_response()")
        self._send_part(data)

    # -- ways to send -------------------------------------------------------------------------------------------------

    def _send_whole(self, body: bytes) -> None:
        """The usual case: one piece, and so a length that need not be told."""
        if self._status is None:
            raise AssertionError("the application has not called start_response")
        if self.is_head_sent:
            self._send_part(body)
            self._end()
            return
        whole = self._whole
        if whole is not None and whole[1] == len(body) and self._request.is_plain and not self.closes:
            self.is_head_sent = True
            self._left = 0
            self._wire.send(b"".join((whole[0], self._dates.end(), body)))
            return
        head = self._head(len(body))
        if self._is_bodiless:
            self._wire.send(head)
        elif self._left != len(body):
            self._send_first(head, body)
            self._end()
        else:
            self._left = 0
            self._wire.send(head + body)

    def _send_result(self, result: Iterable[bytes]) -> None:
        try:
            if isinstance(result, FileWrapper) and self._send_file(result):
                return
            if isinstance(result, (list, tuple)):
                self._send_pieces(result)
                return
            for piece in result:
                if piece:
                    self._send_part(piece)
            self._end()
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _send_pieces(self, pieces: list[bytes] | tuple[bytes, ...]) -> None:
        self._send_whole(b"".join(pieces))

    def _send_file(self, wrapper: FileWrapper) -> bool:
        """False where it is no regular file, or the response has begun otherwise."""
        region = None if self.is_head_sent or self._status is None else wrapper.region()
        if region is None:
            return False
        fd, offset, count = region
        head = self._head(count)
        self._wire.send(head)
        if not self._is_bodiless:
            assert self._left is not None
            count = min(count, self._left)
            self._left -= count
            self._wire.send_file(fd, offset, count)
        self._end()
        return True

    def _send_part(self, data: bytes) -> None:
        if not self.is_head_sent:
            if self._status is None:
                raise AssertionError("the application has not called start_response")
            self._send_first(self._head(None), data)
        elif not self._is_bodiless:
            self._wire.send(self._framed(data))

    def _send_first(self, head: bytes, data: bytes) -> None:
        self._wire.send(head if self._is_bodiless else head + self._framed(data))

    def _framed(self, data: bytes) -> bytes:
        """As it goes over the wire: what is more than was promised is cut off."""
        if self._left is not None:
            if len(data) > self._left:
                log.warning("the application sent more than its Content-Length; the rest is cut off")
                data = data[: self._left]
            self._left -= len(data)
            return data
        if self._is_chunked and data:
            return b"%x\r\n%b\r\n" % (len(data), data)
        return data

    def _end(self) -> None:
        """The body is over."""
        if not self.is_head_sent:
            if self._status is None:
                raise AssertionError("the application has not called start_response")
            self._wire.send(self._head(0))
        elif self._is_chunked:
            self._wire.send(b"0\r\n\r\n")
        if self._left and not self._is_bodiless:
            log.warning("the application sent %d bytes less than its Content-Length", self._left)
            self.closes = True

    # -- the head -----------------------------------------------------------------------------------------------------

    def _head(self, length: int | None) -> bytes:
        """The head of a body of `length` bytes, None where that is not known; decides how the body is framed."""
        assert self._status is not None
        # What was known as a whole begins with the same line.
        parts = [self._status if self._whole is None else self._status[: self._status.index(b"\n") + 1]]
        told: int | None = None
        common = self._dates.lines()
        is_upgrade = False
        for header in self._headers:
            line, role = lines.get(header) or header_line(header)
            if role == _NONE:
                parts.append(line)
            elif role == _LENGTH:
                told = int(header[1])
                # Appended with what decides how the body is framed.
            elif role == _CONNECTION:
                if header[1].strip().lower() == "upgrade":
                    parts.append(line)
                    is_upgrade = True
                elif "close" in header[1].lower():
                    self.closes = True
            elif role == _UPGRADE:
                parts.append(line)
            elif role == _DATE:
                common = common.replace(self._dates.date, line)
            elif role == _SERVER:
                common = line + (b"" if self._dates.date not in common else self._dates.date)
        parts.append(common)
        self._frame(parts, length, told, is_upgrade)
        parts.append(b"\r\n")
        self.is_head_sent = True
        return b"".join(parts)

    def _frame(self, parts: list[bytes], length: int | None, told: int | None, is_upgrade: bool) -> None:
        status = self._status
        assert status is not None
        request = self._request
        # "HTTP/1.1 " has 9 bytes.
        code = status[9:12]
        if code in (b"204", b"304") or status[9:10] == b"1":
            self._is_bodiless = True
            self._left = None
            if told is not None and code == b"304":
                parts.append(_length_line(told))
        elif told is not None or length is not None:
            self._left = length = told if told is not None else length
            # A HEAD's body that is empty says nothing of that of the GET.
            if told is not None or length or not request.is_head:
                parts.append(_length_line(length))
        elif request.is_1_0:
            self.closes = True
        else:
            self._is_chunked = not request.is_head
            parts.append(_CHUNKED)
        if is_upgrade:
            return
        if self.closes:
            parts.append(_CLOSE)
        elif request.is_1_0:
            parts.append(_KEEP)

    def _failed(self) -> None:
        log.exception("%s %s failed", self._request.environ["REQUEST_METHOD"], self._request.environ["PATH_INFO"])
        self.closes = True
        if self.is_head_sent:
            # The client must see that the response is not whole: no last chunk, no more bytes.
            return
        self._status, self._whole = b"HTTP/1.1 500 Internal Server Error\r\n", None
        self._headers = [("Content-Type", "text/plain; charset=utf-8")]
        self._is_bodiless = self._request.is_head
        self._left = None
        head = self._head(len(_BROKEN))
        self._wire.send(head if self._is_bodiless else head + _BROKEN)


@lru_cache(maxsize=1024)
def _length_line(length: int) -> bytes:
    return b"Content-Length: %d\r\n" % length
