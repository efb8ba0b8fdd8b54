"""The files of the page: what a browser is given, and what nobody gets."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from circus_stack.web.access.doors import open_doors
from circus_stack.web.app import make_app
from circus_stack.web.pages import Pages
from circus_stack.web.settings import WebSettings

_SCRIPT = b"// what the page does\n" * 100


@pytest.fixture
def static(tmp_path: Path) -> Path:
    directory = tmp_path / "static"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_bytes(b"<!doctype html>")
    (directory / "assets" / "index-abc.js").write_bytes(_SCRIPT)
    (directory / "sources.sha256").write_text("none of your business")
    (tmp_path / "secret.html").write_text("nobody's")
    return directory


def ask(app: Any, path: str, method: str = "GET", **more: str) -> tuple[int, dict[str, str], bytes]:
    told: list[Any] = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": "localhost", "SCRIPT_NAME": "", **more}
    setup_testing_defaults(environ)
    body = b"".join(app(environ, lambda status, headers, *_: told.extend((status, headers))))
    return int(told[0][:3]), {name.lower(): value for name, value in told[1]}, body


def test_the_index_is_asked_for_again_and_the_rest_kept(static: Path) -> None:
    pages = Pages(static)
    status, headers, body = ask(pages, "/")
    assert (status, body, headers["cache-control"]) == (200, b"<!doctype html>", "no-cache")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert ask(pages, "/", HTTP_IF_NONE_MATCH=headers["etag"])[::2] == (304, b"")
    status, headers, body = ask(pages, "/assets/index-abc.js")
    assert (status, body) == (200, _SCRIPT)
    assert "immutable" in headers["cache-control"]
    assert headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [("gzip, br", True), ("br;q=1.0, gzip;q=0.8", True), ("gzip;q=0", False), ("identity", False), ("", False)],
)
def test_it_is_compressed_for_who_takes_that(static: Path, accepted: str, is_compressed: bool) -> None:
    _, headers, body = ask(Pages(static), "/assets/index-abc.js", HTTP_ACCEPT_ENCODING=accepted)
    assert ("content-encoding" in headers) == is_compressed
    assert (gzip.decompress(body) if is_compressed else body) == _SCRIPT
    assert headers["content-length"] == str(len(body))
    assert headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path",
    ["/../secret.html", "/assets/../../secret.html", "//secret.html", "/sources.sha256", "/assets", "/assets/", "/\0"],
)
def test_nothing_else_is_given(static: Path, path: str) -> None:
    assert ask(Pages(static), path)[0] == 404


def test_head_has_no_body_and_nothing_is_posted(static: Path) -> None:
    status, headers, body = ask(Pages(static), "/", "HEAD")
    assert (status, headers["content-length"], body) == (200, "15", b"")
    assert ask(Pages(static), "/", "POST")[0] == 405


def test_it_says_why_it_is_missing(tmp_path: Path) -> None:
    status, _, body = ask(Pages(tmp_path / "nowhere"), "/")
    assert status == 503
    assert b"tools/frontend" in body


def test_below_a_path_of_a_proxy(static: Path, tmp_path: Path) -> None:
    settings = WebSettings(endpoint="ipc://nowhere", directory=str(tmp_path / "console"), prefix="/ops")
    app = make_app(settings, open_doors(tmp_path / "console"), mounts=[("/", Pages(static))])
    status, headers, _ = ask(app, "/ops")
    assert (status, headers["location"]) == (308, "/ops/")
    status, headers, body = ask(app, "/ops/")
    assert (status, body) == (200, b"<!doctype html>")
    assert "script-src 'self'" in headers["content-security-policy"]
    assert ask(app, "/ops/api/v1/session")[0] == 401
    assert ask(app, "/")[0] == 404
