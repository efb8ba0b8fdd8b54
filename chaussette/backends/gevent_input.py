"""A chunked request body under pywsgi, with its size lines read strictly, and bounded.

pywsgi passes over whatever an extension holds, a bare line feed too: another server in the way would end the line there
and see other chunks, among them a request that it never let through.
"""

from __future__ import annotations

import re
from typing import Any

from gevent import pywsgi

from chaussette.backends.fastgevent.refusal import RequestRefusedError
from chaussette.backends.gevent_headers import Headers
from chaussette.settings import Settings

# Hex digits for 64 bits at most, and an extension without control characters: RFC 9112, 7.1.
_SIZE = re.compile(rb"([0-9a-fA-F]{1,16})(?:[ \t]*;[\t -~\x80-\xff]*)?\r\n")
_LONGEST_LINE = 8192


class BadBodyError(pywsgi._InvalidClientInput):  # type: ignore[misc, unused-ignore]
    """What was read cannot be trusted: `refusal` is the answer, after which the connection ends."""

    def __init__(self, refusal: RequestRefusedError) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class ChunkedInput(pywsgi.Input):  # type: ignore[misc, unused-ignore]
    """`wsgi.input` in place of pywsgi's `plain` one; raises BadBodyError beyond `max_body_size` bytes (0: no limit),
    and for trailers beyond what a head may have."""

    def __init__(self, plain: Any, settings: Settings) -> None:
        super().__init__(plain.rfile, plain.content_length, socket=plain.socket, chunked_input=True)
        self._settings = settings
        self._refusal = RequestRefusedError(400, "the chunks of the body are malformed")
        self._announced = 0

    # pywsgi's own method is private to its class: this is the name that it calls.
    def _Input__read_chunk_length(self, rfile: Any) -> int:  # noqa: N802
        match = _SIZE.fullmatch(rfile.readline(_LONGEST_LINE))
        if match is None:
            raise self._refused(400, "the size of a chunk is malformed")
        size = int(match[1], 16)
        self._announced += size
        most = self._settings.max_body_size
        if 0 < most < self._announced:
            raise self._refused(413, f"the body is larger than {most} bytes")
        if size == 0:
            self._read_trailers(rfile)
        return size

    def _read_trailers(self, rfile: Any) -> None:
        """They reach nobody, and are bounded as a head is."""
        try:
            Headers(rfile, self._settings)
        except RequestRefusedError as refusal:
            raise self._refused(refusal.status, f"the trailers: {refusal.reason}") from refusal

    def _discard(self) -> None:
        """Read the rest; raises BadBodyError also where the application has swallowed that the body is bad: what
        follows on the connection is no request."""
        if self._chunked_input_error:
            raise BadBodyError(self._refusal)
        super()._discard()

    def _refused(self, status: int, reason: str) -> BadBodyError:
        self._chunked_input_error = True
        self._refusal = RequestRefusedError(status, reason)
        return BadBodyError(self._refusal)
