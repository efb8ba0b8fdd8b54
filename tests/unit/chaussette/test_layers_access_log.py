"""The access log: its lines, what cannot be forged in them, and where they go."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaussette.errors import UsageError
from chaussette.layers.access_format import FIELD_NAMES, Entry, escaped, line_of
from chaussette.layers.access_log import logged, queued_for
from chaussette.layers.line_file import LineFile


def lines_of(environ: dict[str, Any], result: Any = (b"abc",), format: str = "json") -> list[str]:
    """What one request writes."""
    written: list[str] = []
    setup_testing_defaults(environ)

    def app(_environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", "3")])
        if isinstance(result, BaseException):
            raise result
        return result

    body = logged(app, line_of(format), written.append)(environ, lambda *_: print)  # type: ignore[arg-type]
    if hasattr(body, "close"):
        assert written == []
        list(body)
        body.close()
    return written


def entry(**environ: str) -> Entry:
    return Entry(environ, "200 OK", 5, 1_700_000_000.25, 0.0015, None, "id", 7)


def test_combined_is_what_log_readers_know(monkeypatch: pytest.MonkeyPatch) -> None:
    found = line_of("combined")(
        entry(
            REMOTE_ADDR="192.0.2.1", REQUEST_METHOD="GET", SCRIPT_NAME="/shop", PATH_INFO="/a", QUERY_STRING="b=c",
            SERVER_PROTOCOL="HTTP/1.1", HTTP_USER_AGENT="curl",
        )
    )  # fmt: skip
    head, _, rest = found.partition(" [")
    assert head == "192.0.2.1 - -"
    time_text, _, rest = rest.partition("] ")
    assert time_text[2:3] == "/" and time_text.count(":") == 3
    assert rest == '"GET /shop/a?b=c HTTP/1.1" 200 5 "-" "curl"'


def test_json_has_every_field() -> None:
    found = json.loads(line_of("json")(entry(REMOTE_ADDR="192.0.2.1")))
    assert set(found) == set(FIELD_NAMES)
    assert (found["status"], found["bytes"], found["duration_ms"], found["queue_ms"]) == (200, 5, 1.5, None)
    assert found["time"] == "2023-11-14T22:13:20.250Z"


def test_a_format_of_ones_own() -> None:
    assert line_of("{status} {header:X-Shop} [{header:Content-Type}] {queue_ms}")(entry(HTTP_X_SHOP="a\tb")) == (
        "200 a\\x09b [-] -"
    )


@pytest.mark.parametrize("format", ["{no_such}", "{status", "status}", "{header:}", "{Status}", "a\nb {status}"])
def test_a_format_that_is_none_is_refused(format: str) -> None:
    with pytest.raises(ValueError, match=r"field|printable"):
        line_of(format)


@given(st.text(max_size=400))
def test_no_value_leaves_its_place(text: str) -> None:
    found = escaped(text)
    assert found.isascii() and found.isprintable() and '"' not in found
    forged = entry(PATH_INFO=text, HTTP_REFERER=text, HTTP_USER_AGENT=text, REMOTE_USER=text, HTTP_HOST=text)
    line = line_of("combined")(forged)
    assert line.isprintable() and line.count('"') == 6
    assert "\n" not in line_of("json")(forged)


def test_long_values_are_cut() -> None:
    long = "x" * 100_000
    line = line_of("combined")(entry(PATH_INFO=long, HTTP_REFERER=long, HTTP_USER_AGENT=long, REMOTE_USER=long))
    assert len(line) < 4096


def test_an_id_is_taken_or_made() -> None:
    environ: dict[str, Any] = {"HTTP_X_REQUEST_ID": "abc-123"}
    [line] = lines_of(environ)
    assert json.loads(line)["request_id"] == environ["HTTP_X_REQUEST_ID"] == "abc-123"
    environ = {"HTTP_X_REQUEST_ID": "evil id\r\n"}
    [line] = lines_of(environ)
    assert json.loads(line)["request_id"] == environ["HTTP_X_REQUEST_ID"]
    assert len(environ["HTTP_X_REQUEST_ID"]) == 32


@pytest.mark.parametrize(
    ("text", "queued"),
    [("t=1700000000.5", 1.5), ("1700000000500", 1.5), ("1700000000500000", 1.5), ("1700000009", 0.0), ("", None),
     ("never", None), ("1600000000", None), ("t=99999999999999999999", None)],
)  # fmt: skip
def test_the_time_in_the_queue(text: str, queued: float | None) -> None:
    assert queued_for(text, 1700000002.0) == queued


def test_a_stream_is_logged_when_it_is_closed() -> None:
    [line] = lines_of({}, iter([b"ab", b"cde"]))
    assert json.loads(line)["bytes"] == 5


def test_what_raises_is_logged_too() -> None:
    written: list[str] = []

    def app(_environ: Any, _start_response: Any) -> list[bytes]:
        raise KeyError("x")

    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    with pytest.raises(KeyError):
        logged(app, line_of("{status} {bytes}"), written.append)(environ, lambda *_: print)  # type: ignore[arg-type]
    assert written == ["500 0"]


def test_a_file_that_was_moved_away_is_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("chaussette.layers.line_file.time.monotonic", lambda: now[0])
    path = tmp_path / "access.log"
    file = LineFile(str(path))
    file.write("one")
    path.rename(tmp_path / "access.log.1")
    now[0] += 2
    file.write("two")
    assert (tmp_path / "access.log.1").read_text() == "one\n"
    assert path.read_text() == "two\n"
    os.close(file._fd)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--access-log .*No such file"):
        LineFile(str(tmp_path / "none" / "access.log"))
