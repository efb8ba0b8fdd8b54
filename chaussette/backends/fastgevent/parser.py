"""From bytes to requests: llhttp's callbacks, and what it lets through that must not pass. Does no I/O."""

from __future__ import annotations

from typing import Any

import httptools

from chaussette.backends.fastgevent.body import NO_BODY, Body
from chaussette.backends.fastgevent.environ import (
    DROPPED,
    check_host,
    keys,
    learn_key,
    split_absolute,
    split_target,
)
from chaussette.backends.fastgevent.known import Known
from chaussette.backends.fastgevent.limits import Limits
from chaussette.backends.fastgevent.refusal import RequestRefusedError
from chaussette.backends.fastgevent.trailers import Trailers

# Those that a list of values would make ambiguous are refused; all others are joined, as RFC 9110 5.3 has it.
_ONCE = frozenset({"HTTP_HOST", "CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_TRANSFER_ENCODING", "HTTP_AUTHORIZATION"})

_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}

_NONE: dict[str, Any] = {}


class Request:
    """One request whose head is complete; `body` may still be on its way."""

    # Here, not set for each: most are like this.
    body: Body | None = None
    is_head = False
    is_1_0 = False
    keeps_alive = True
    wants_upgrade = False
    # Whether the method and the version add nothing to the head of the response.
    is_plain = True

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ


class Parser:
    """Fed with what was read; `requests` are those whose head is complete, in order, to be taken out by the owner.

    `failure` is set when what follows them is no HTTP: once they are answered it is, and the connection ends.
    `known` is shared by the parsers of a listener, `own` is what the environ of each request of this connection has
    beside `known.base`.
    """

    __slots__ = (
        "_body",
        "_chunk",
        "_duplicates",
        "_fed",
        "_feed",
        "_is_1_1",
        "_is_in_head",
        "_is_last",
        "_known",
        "_limits",
        "_own",
        "_parser",
        "_target",
        "_trailers",
        "environ",
        "failure",
        "has_begun",
        "is_upgraded",
        "requests",
    )

    def __init__(self, known: Known, limits: Limits, own: dict[str, Any]) -> None:
        self._own = own
        self.environ = _NONE
        self.requests: list[Request] = []
        self.failure: RequestRefusedError | None = None
        self.is_upgraded = False
        self._limits = limits
        self._known = known
        # Whether llhttp must see all that follows, be it to refuse it.
        self._is_last = False
        self._body: Body | None = None
        # Of the body that is awaited, if it comes in chunks.
        self._trailers: Trailers | None = None
        self._target = b""
        self._duplicates = 0
        # Whether a part of another request has come in.
        self.has_begun = False
        self._is_in_head = True
        # Bytes of what is fed now, and of what was fed since that with which the request has begun.
        self._chunk = 0
        self._fed = 0
        # Whether the first request of what is fed now says HTTP/1.1.
        self._is_1_1 = False
        self._parser = httptools.HttpRequestParser(self)
        self._feed = self._parser.feed_data

    def feed(self, data: bytes) -> None:
        """Take in what was read. Never raises: see `failure`."""
        if self.has_begun or self._is_last or len(data) > self._limits.head:
            self._parse(data)
            return
        environ = self._known.environ(data, self._own)
        if environ is not None:
            request = Request(environ)
            if environ["REQUEST_METHOD"] == "HEAD":
                request.is_head = True
                request.is_plain = False
            self.requests.append(request)
            return
        before = len(self.requests)
        self._parse(data)
        if not self.has_begun and not self._is_last and len(self.requests) == before + 1:
            request = self.requests[-1]
            if request.body is None and not request.is_1_0:
                self._known.learn(data, request.environ, self._own)

    def _parse(self, data: bytes) -> None:
        """Have llhttp look at it; not behind what was refused, which it may have let through itself."""
        if self.failure is not None:
            return
        self._chunk = len(data)
        self._fed += self._chunk
        if not self.has_begun:
            # llhttp makes a new text of the version each time that it is asked: look at the line itself.
            end = data.find(b"\r\n")
            self._is_1_1 = data[end - 9 : end] == b" HTTP/1.1"
        trailers = self._trailers
        start = -1 if trailers is None else trailers.start
        try:
            self._feed(data)
            if self.has_begun and self._is_in_head:
                self._check_head()
            if trailers is not None and trailers is self._trailers:
                trailers.fed(self._chunk, start)
        except httptools.HttpParserUpgrade:
            self.is_upgraded = self._is_last = True
        except RequestRefusedError as refusal:
            self.fail(refusal)
        except httptools.HttpParserError as error:
            # A refusal that was raised in a callback comes wrapped.
            cause = error.__context__
            self.fail(cause if isinstance(cause, RequestRefusedError) else RequestRefusedError(400, str(error)))

    @property
    def awaited(self) -> Body | None:
        """The body that is not complete, if any."""
        return self._body

    def fail(self, refusal: RequestRefusedError) -> None:
        """Nothing that follows counts: it comes too late, or is no HTTP."""
        self.failure = self.failure or refusal
        self._is_last = True
        if self._body is not None:
            self._body.fail(refusal)
            self._body = self._trailers = None

    def _check_head(self) -> None:
        """The head goes on in what will be read next."""
        if len(self._target) > self._limits.target:
            raise RequestRefusedError(414, f"the request target is longer than {self._limits.target} bytes")
        if self._fed > self._limits.head:
            raise RequestRefusedError(431, f"the head is larger than {self._limits.head} bytes")

    # -- called by llhttp ---------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self.has_begun = True
        self._fed = 0
        self.environ = {**self._known.base, **self._own}

    def on_url(self, target: bytes) -> None:
        """A part of the request target, mostly all of it."""
        self._target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; a trailer, which is dropped, where the head is over."""
        if not self._is_in_head:
            if self._trailers is not None:
                self._trailers.add(name, value)
            return
        key = keys.get(name)
        if key is None:
            key = learn_key(name)
        environ = self.environ
        if key in environ or key is DROPPED:
            self._repeated(key, value)
        else:
            environ[key] = value.decode("latin-1").rstrip(" \t")

    def _repeated(self, key: str, value: bytes) -> None:
        self._duplicates += 1
        if key is DROPPED:
            return
        if key in _ONCE:
            raise RequestRefusedError(400, f"{key.removeprefix('HTTP_').replace('_', '-').title()} is there twice")
        joint = "; " if key == "HTTP_COOKIE" else ", "
        self.environ[key] += joint + value.decode("latin-1").strip(" \t")

    def on_headers_complete(self) -> None:
        """The head is over."""
        environ, parser, limits, target = self.environ, self._parser, self._limits, self._target
        if len(environ) + self._duplicates - len(self._known.base) - len(self._own) > limits.headers:
            raise RequestRefusedError(431, f"there are more than {limits.headers} headers")
        if len(target) > limits.target:
            raise RequestRefusedError(414, f"the request target is longer than {limits.target} bytes")
        if self._fed + self._chunk > limits.head:
            self._check_whole_head()
        version = "1.1" if self._is_1_1 else parser.get_http_version()
        self._is_1_1 = False
        name = parser.get_method()
        method = _METHODS.get(name) or name.decode("latin-1")
        if method == "CONNECT":
            # What follows it would be no HTTP, whatever its target.
            raise RequestRefusedError(400, "this is no proxy: there is no CONNECT")
        if target[:1] != b"/":
            target = self._absolute(target, version)
        environ["PATH_INFO"], environ["QUERY_STRING"] = split_target(target)
        environ["REQUEST_METHOD"] = method
        request = Request(environ)
        if version == "1.1":
            environ["SERVER_PROTOCOL"] = "HTTP/1.1"
            host = environ.get("HTTP_HOST")
            if host is None:
                raise RequestRefusedError(400, "there is no Host header")
            check_host(host)
        else:
            self._old(request, version)
        request.keeps_alive = parser.should_keep_alive()
        if not request.keeps_alive:
            self._is_last = True
        if method == "HEAD":
            request.is_head = True
            request.is_plain = False
        if "HTTP_TRANSFER_ENCODING" in environ or "CONTENT_LENGTH" in environ:
            self._expect_body(request)
        else:
            environ["wsgi.input"] = NO_BODY
        if "HTTP_UPGRADE" in environ:
            request.wants_upgrade = True
            self._is_last = True
        self._is_in_head = False
        self._target = b""
        self.requests.append(request)

    def _absolute(self, target: bytes, version: str) -> bytes:
        """The path of a target that names its host; a Host header must be there, too, as if it counted."""
        environ = self.environ
        if version == "1.1" and "HTTP_HOST" not in environ:
            raise RequestRefusedError(400, "there is no Host header")
        check_host(environ.get("HTTP_HOST", ""))
        authority, path = split_absolute(target)
        check_host(authority)
        environ["HTTP_HOST"] = authority
        return path

    def _old(self, request: Request, version: str) -> None:
        if version != "1.0":
            raise RequestRefusedError(400, "the version must be HTTP/1.1 or HTTP/1.0")
        request.is_1_0 = True
        request.is_plain = False
        environ = request.environ
        environ["SERVER_PROTOCOL"] = "HTTP/1.0"
        if "HTTP_HOST" in environ:
            check_host(environ["HTTP_HOST"])

    def _check_whole_head(self) -> None:
        """More was fed than a head may have: so much of it may be body, or earlier requests. llhttp doesn't tell where
        the head began; what it consists of tells how large it was."""
        size = len(self._target) + sum(
            len(key) + len(value) for key, value in self.environ.items() if key.startswith(("HTTP_", "CONTENT_"))
        )
        if size > self._limits.head:
            raise RequestRefusedError(431, f"the head is larger than {self._limits.head} bytes")

    def _expect_body(self, request: Request) -> None:
        environ = request.environ
        length: int | None = None
        encoding = environ.get("HTTP_TRANSFER_ENCODING")
        if encoding is not None:
            if encoding.strip(" \t").lower() != "chunked":
                raise RequestRefusedError(400, "Transfer-Encoding must be chunked, and nothing else")
            if request.is_1_0:
                raise RequestRefusedError(400, "HTTP/1.0 has no Transfer-Encoding")
            # The application sees a body that ends; how it came is not its affair.
            del environ["HTTP_TRANSFER_ENCODING"]
            environ["wsgi.input_terminated"] = True
        else:
            environ["CONTENT_LENGTH"] = text = environ["CONTENT_LENGTH"].strip(" \t")
            length = int(text)
            if 0 < self._limits.body < length:
                raise RequestRefusedError(413, f"the body is larger than {self._limits.body} bytes")
        self._body = request.body = Body(self._limits.body)
        if encoding is not None:
            self._trailers = Trailers(request.body, self._limits)
        if "HTTP_EXPECT" in environ:
            if environ["HTTP_EXPECT"].strip(" \t").lower() != "100-continue":
                raise RequestRefusedError(417, "Expect must be 100-continue")
            request.body.is_continue_wanted = not request.is_1_0
        environ["wsgi.input"] = request.body

    def on_chunk_header(self) -> None:
        """The size of a chunk, be it the last one."""
        if self._trailers is not None:
            self._trailers.begin_chunk()

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        if self._body is not None:
            self._body.put(data)

    def on_message_complete(self) -> None:
        """The request is over; what follows is another one."""
        if self._body is not None:
            self._body.end()
            self._body = self._trailers = None
        # An idle connection keeps none: ten thousand of them do.
        self.environ = _NONE
        self._duplicates = 0
        self.has_begun = False
        self._is_in_head = True
