"""The other layers: health, time limit, and all of them in a row, as wsgiref's validator sees them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

from chaussette.errors import RequestTimedOut, UsageError
from chaussette.layers.chain import layered
from chaussette.layers.health import with_health
from chaussette.layers.time_limit import limited
from chaussette.lifecycle import Lifecycle
from chaussette.notify import Notifier
from chaussette.settings import Settings


class Answer:
    """What a server would have of one request."""

    def __init__(self, app: Any, **environ: Any) -> None:
        setup_testing_defaults(environ)
        self.calls: list[tuple[str, Any]] = []
        body = app(environ, self.start_response)
        try:
            self.body = b"".join(body)
        finally:
            if hasattr(body, "close"):
                body.close()

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.calls.append((status, exc_info))
        return lambda _data: None

    @property
    def status(self) -> str:
        return self.calls[-1][0]


def hello(_environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


@contextlib.contextmanager
def at_once(_seconds: float) -> Iterator[None]:
    """A limit that is over at once."""
    yield
    raise RequestTimedOut


@contextlib.contextmanager
def never(_seconds: float) -> Iterator[None]:
    yield


def _all(directory: Path) -> Settings:
    return Settings(
        trusted_proxies="127.0.0.1", access_log=str(directory / "log"), request_timeout=5.0, health_path="/-/health",
        max_requests=10,
    )  # fmt: skip


def test_health_is_answered_by_the_layer() -> None:
    is_stopping = False
    app = with_health(hello, "/-/health", lambda: is_stopping)
    assert Answer(app, PATH_INFO="/-/health").body == b"ok\n"
    assert Answer(app, PATH_INFO="/").body == b"hello"
    assert Answer(app, PATH_INFO="/-/health", REQUEST_METHOD="POST").status == "405 Method Not Allowed"
    is_stopping = True
    assert Answer(app, PATH_INFO="/-/health").status == "503 Service Unavailable"


def test_a_request_that_takes_too_long_is_answered_with_504() -> None:
    found = Answer(limited(hello, 2, at_once))
    assert (found.status, found.body) == ("504 Gateway Timeout", b"The request took too long.\n")
    # With exc_info, so that a server that has sent the head raises it.
    assert found.calls[-1][1][0] is TimeoutError


def test_a_stream_that_takes_too_long_ends_with_an_error() -> None:
    limits = iter([never, at_once])

    def app(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([b"a", b"b"])

    with pytest.raises(TimeoutError):
        Answer(limited(app, 2, lambda seconds: next(limits)(seconds)))


def test_a_websocket_has_no_limit() -> None:
    assert Answer(limited(hello, 2, at_once), HTTP_UPGRADE="WebSocket").status == "200 OK"


def test_a_file_passes_all_layers_as_the_object_that_it_is(tmp_path: Path) -> None:
    file = FileWrapper(io.BytesIO(b"abc"))

    def app(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "3")])
        return file

    environ: dict[str, Any] = {"wsgi.file_wrapper": FileWrapper, "REMOTE_ADDR": "127.0.0.1"}
    setup_testing_defaults(environ)
    result = layered(app, _all(tmp_path), Lifecycle(Notifier()), never)(environ, lambda *_: lambda _data: None)
    assert result is file
    file.close()
    assert '" 200 3 ' in (tmp_path / "log").read_text()


def test_no_option_no_layer() -> None:
    assert layered(hello, Settings(), Lifecycle(Notifier()), None) is hello


def test_a_time_limit_needs_a_backend_that_has_one() -> None:
    with pytest.raises(UsageError, match="--request-timeout"):
        layered(hello, Settings(request_timeout=1.0), Lifecycle(Notifier()), None)


def test_all_layers_together_are_clean_on_both_sides(tmp_path: Path) -> None:
    app = validator(layered(validator(hello), _all(tmp_path), Lifecycle(Notifier()), never))
    found = Answer(
        app, REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.9", QUERY_STRING="", SCRIPT_NAME="", PATH_INFO="/"
    )
    assert (found.status, found.body) == ("200 OK", b"hello")
    assert (tmp_path / "log").read_text().startswith("192.0.2.9 - - [")
    assert Answer(app, PATH_INFO="/-/health", QUERY_STRING="", SCRIPT_NAME="").body == b"ok\n"
