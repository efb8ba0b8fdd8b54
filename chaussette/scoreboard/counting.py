"""The WSGI layer that feeds a slot: any backend, since it knows nothing of any. What it hands on is what it got.

Lists, tuples and file wrappers go through untouched: servers look at their type. A list is counted when it is
returned, anything else when the server closes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from chaussette.scoreboard.histogram import UNIT_BITS, bucket_of
from chaussette.scoreboard.layout import BEGUN, BUCKETS, FAILURES, GENERATION, LATENCY, SENT, SLOT_WORDS, STATUSES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_CLASSES = {"1": STATUSES + 1, "2": STATUSES + 2, "3": STATUSES + 3, "4": STATUSES + 4, "5": STATUSES + 5}
# The word of each status that was seen, so many at most: applications have few.
_words_of: dict[str, int] = {}
_MOST_STATUSES = 256
# The word of the bucket of each duration below 17 ms, in the histogram's units: most requests need no arithmetic then.
_SHORT_UNITS = 4096
_SHORT = [BUCKETS + bucket_of(units << UNIT_BITS) for units in range(_SHORT_UNITS)]
_Finish = Callable[[int], None]
# More of a Content-Length are no length of anything that was sent, and do not fit into a word.
_MOST_DIGITS = 15
# A request is over: when it began (monotonic_ns), its status line, bytes of its body.
_Note = Callable[[int, str, int], None]


def scored(app: WSGIApplication, words: memoryview[int], generation: int) -> WSGIApplication:
    """`app` behind a count of its requests in `words`, those of a `Slot`, as long as they have its generation. Nothing
    else counts there, and what stands there is not counted on with: another worker may have written it."""
    note = noting(words, generation)
    begun = failures = 0

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        nonlocal begun, failures
        began = monotonic_ns()
        begun += 1
        if words[GENERATION] == generation:
            words[BEGUN] = begun
        status = ""
        headers: list[tuple[str, str]] | None = None

        def start(line: str, fields: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
            nonlocal status, headers
            write = start_response(line, fields) if exc_info is None else start_response(line, fields, exc_info)
            status = line
            headers = fields
            return write

        try:
            result = app(environ, start)
        except BaseException:
            failures += 1
            if words[GENERATION] == generation:
                words[FAILURES] = failures
            note(began, "5", 0)
            raise
        is_head = environ["REQUEST_METHOD"] == "HEAD"
        if type(result) is list or isinstance(result, (list, tuple)):
            try:
                size = len(result[0]) if len(result) == 1 else sum(map(len, result))
            except TypeError:
                # No bytes: the server will say so.
                size = 0
            note(began, status, 0 if is_head else size)
            return result

        def finish(sent: int) -> None:
            known = sent if sent >= 0 else length_of(headers)
            note(began, status, 0 if is_head else known)

        return followed(result, environ, finish)

    return serve


def noting(words: memoryview[int], generation: int) -> _Note:
    """What counts the requests that are over in `words`, from 0.

    The counts stand here, too: to read a word of shared memory, so as to add one to it, costs as much as to write it.
    Between a count and its word there is no call, or another thread's count would be written over.
    """
    latency = sent_by_all = 0
    counts = [0] * SLOT_WORDS

    def note(began_ns: int, status: str, sent: int) -> None:
        nonlocal latency, sent_by_all
        took = monotonic_ns() - began_ns
        try:
            word = _words_of[status]
        except KeyError:
            word = learn_word(status)
        units = took >> UNIT_BITS
        bucket = _SHORT[units] if units < _SHORT_UNITS else BUCKETS + bucket_of(took)
        if words[GENERATION] != generation:
            # Whoever started us has ended, and another worker has the slot.
            return
        latency += took
        words[LATENCY] = latency
        if sent:
            sent_by_all += sent
            words[SENT] = sent_by_all
        counts[word] = count = counts[word] + 1
        words[word] = count
        counts[bucket] = count = counts[bucket] + 1
        words[bucket] = count

    return note


def learn_word(status: str) -> int:
    """Which word counts responses with this status line."""
    word = _CLASSES.get(status[:1], STATUSES)
    if len(_words_of) < _MOST_STATUSES:
        _words_of[status] = word
    return word


def length_of(headers: list[tuple[str, str]] | None) -> int:
    """What the headers promise; 0 where they promise nothing that can be read."""
    for name, value in headers or ():
        if name.lower() == "content-length":
            return int(value) if value.isdecimal() and len(value) <= _MOST_DIGITS else 0
    return 0


def followed(result: Iterable[bytes], environ: WSGIEnvironment, finish: _Finish) -> Iterable[bytes]:
    """What to hand on for a body that is streamed: `finish` is called at its end with the bytes, -1 for not known."""
    wrapper = environ.get("wsgi.file_wrapper")
    if wrapper is not None and is_made_by(result, wrapper):
        follow_close(result, finish)
        return result
    return SizedBody(result, finish) if hasattr(result, "__len__") else StreamedBody(result, finish)


def is_made_by(result: object, wrapper: object) -> bool:
    """Whether a server would know `result` as a file wrapper of its own, `wrapper`: a class, or a function of C."""
    if isinstance(wrapper, type):
        return isinstance(result, wrapper)
    return type(result).__name__ == "FileWrapper"


def follow_close(result: Any, finish: _Finish) -> None:
    """Have the end of a file wrapper noticed, which must stay the object that it is."""
    close = getattr(result, "close", None)
    is_open = True

    def closing() -> None:
        nonlocal is_open
        try:
            if close is not None:
                close()
        finally:
            if is_open:
                is_open = False
                finish(-1)

    try:
        result.close = closing
    except (AttributeError, TypeError):
        # Made by C: what is left of it is not seen.
        finish(-1)


class StreamedBody:
    """A body that passes piece by piece; counted when it is closed, or thrown away."""

    __slots__ = ("__weakref__", "_body", "_finish", "_is_over", "_pieces", "_sent")

    def __init__(self, body: Iterable[bytes], finish: _Finish) -> None:
        self._body = body
        self._finish = finish
        self._pieces: Iterator[bytes] | None = None
        self._sent = 0
        self._is_over = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        pieces = self._pieces
        if pieces is None:
            pieces = self._pieces = iter(self._body)
        piece = next(pieces)
        self._sent += len(piece)
        return piece

    def close(self) -> None:
        """Close what is inside; PEP 3333's."""
        try:
            close: Callable[[], None] | None = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._end()

    def __del__(self) -> None:
        # A server that never closes would leave it in flight for ever.
        self._end()

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._finish(self._sent)


class SizedBody(StreamedBody):
    """A streamed body that knows how many pieces it has: servers make a Content-Length of a single one."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]  # made for those alone that have one
