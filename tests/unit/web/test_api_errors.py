"""What goes wrong between the console and the arbiter, as a status of HTTP."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from circus_stack.errors import CallError, CircusStackError, CommandError, Errno, NoAnswerError
from circus_stack.web.api.dispatch import make_api
from circus_stack.web.api.route import Reply, Request, Route


def get(error: Exception) -> tuple[int, dict[str, Any], dict[str, str]]:
    """(status, body, headers) where a handler raises."""

    def handle(_request: Request) -> Reply:
        raise error

    route = Route(method="GET", path="/it", summary="It.", handler=handle, role=None, prefix="")
    found: list[Any] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/it", "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO()}
    parts = make_api([route], most_body=10)(environ, lambda status, headers, *_: found.extend((status, headers)))
    return int(found[0][:3]), json.loads(b"".join(parts))["error"], dict(found[1])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CommandError("program x not found"), 404),
        (CommandError("program x does something"), 409),
        (CommandError("message invalid: nb: a count is expected"), 400),
        (CommandError("json invalid", Errno.INVALID_JSON), 409),
        (CommandError("not for view", Errno.NOT_ALLOWED), 403),
        (CommandError("bad data", Errno.BAD_MSG_DATA_ERROR), 400),
        (CommandError("no such command", Errno.UNKNOWN_COMMAND), 501),
        (CallError("nothing listens there"), 503),
        (NoAnswerError("busy"), 504),
        (CircusStackError("something else"), 500),
    ],
)
def test_each_error_has_its_status_and_its_reason(error: Exception, status: int) -> None:
    found, body, headers = get(error)
    assert (found, body["status"], body["reason"]) == (status, status, str(error))
    assert ("Retry-After" in headers) is (status == 503)


def test_what_nobody_foresaw_is_told_to_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    status, body, _ = get(ZeroDivisionError("a secret"))
    assert status == 500
    assert "secret" not in body["reason"]
    assert "a secret" in caplog.text
