"""The head of a request as pywsgi wants it, read strictly and without the parser of e-mails that pywsgi takes for it.

What another server in the way could read in another way is refused: RFC 9112 says of each of these that a server may.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chaussette.backends.fastgevent.environ import DROPPED, check_host, keys, learn_key
from chaussette.backends.fastgevent.refusal import RequestRefusedError
from chaussette.settings import Settings

# A name that is a token, nothing before the colon, no control characters in the value but for tabs.
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)\r\n")
_REQUEST = re.compile(
    r"(?!CONNECT )[!#$%&'*+.^_`|~0-9A-Z-]+"
    r" (?:/|(?i:https?)://)[!-\"$-~\x80-\xff]* HTTP/1\.[01]\r\n"
)
# Those that a list of values would make ambiguous.
_ONCE = frozenset({"HTTP_HOST", "CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_TRANSFER_ENCODING", "HTTP_AUTHORIZATION"})


def check_request_line(line: str) -> None:
    """Raises RequestRefusedError for what is no method, path and version of HTTP/1, with one blank between them; of the
    methods for what `method.is_served` refuses."""
    if not _REQUEST.fullmatch(line):
        raise RequestRefusedError(400, "the request line is malformed")


class Headers:
    """What pywsgi asks of the message that it would have had parsed; `environ` holds it under the keys of WSGI.

    Raises RequestRefusedError while it is read from `file`.
    """

    # pywsgi's word for what was wrong.
    status = ""

    def __init__(self, file: Any, settings: Settings) -> None:
        self.environ: dict[str, str] = {}
        left, count = settings.max_head_size, 0
        while True:
            line: bytes = file.readline(left + 1)
            left -= len(line)
            count += 1
            if left < 0 or count > settings.max_headers + 1:
                raise RequestRefusedError(431, "the head is too large")
            if line == b"\r\n":
                return
            self._take(line)

    def _take(self, line: bytes) -> None:
        match = _LINE.fullmatch(line)
        if match is None:
            raise RequestRefusedError(400, "a header is malformed, or the head has no end")
        name, value = match[1], match[2].rstrip(b" \t").decode("latin-1")
        key = keys.get(name)
        if key is None:
            key = learn_key(name)
        if key is DROPPED:
            return
        before = self.environ.get(key)
        if before is None:
            self.environ[key] = value
        elif key in _ONCE:
            raise RequestRefusedError(400, f"{name.decode('ascii')} is there twice")
        else:
            self.environ[key] = before + ("; " if key == "HTTP_COOKIE" else ", ") + value

    def check(self, version: str, most: int) -> None:
        """Raises RequestRefusedError for what could be framed in two ways, or is larger than `most` bytes (0: no
        limit)."""
        environ = self.environ
        host = environ.get("HTTP_HOST")
        if host is not None:
            check_host(host)
        elif version == "HTTP/1.1":
            raise RequestRefusedError(400, "there is no Host header")
        length, encoding = environ.get("CONTENT_LENGTH"), environ.get("HTTP_TRANSFER_ENCODING")
        if encoding is not None and (length is not None or encoding.lower() != "chunked" or version == "HTTP/1.0"):
            raise RequestRefusedError(400, "Transfer-Encoding must be chunked, in HTTP/1.1, without Content-Length")
        if length is not None and not (length.isascii() and length.isdecimal() and len(length) < 20):
            raise RequestRefusedError(400, "Content-Length is no number")
        if length is not None and 0 < most < int(length):
            raise RequestRefusedError(413, f"the body is larger than {most} bytes")

    # -- as pywsgi asks -----------------------------------------------------------------------------------------------

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a header."""
        key = name.upper().replace("-", "_")
        return self.environ.get(key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else "HTTP_" + key, default)

    getheader = get

    def __delitem__(self, name: str) -> None:
        raise KeyError(name)

    @property
    def typeheader(self) -> str | None:
        """Content-Type."""
        return self.environ.get("CONTENT_TYPE")

    def items(self) -> Iterator[tuple[str, str]]:
        """Keys and values of the environ, but for those that pywsgi sets itself."""
        return ((key, value) for key, value in self.environ.items() if key[:5] == "HTTP_")
