"""The page, through WSGI, on a real Redis."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from tests.conftest import Visit


def pin(browser: Any, text: str, author: str = "") -> Any:
    """Fill in the form and send it."""
    form = browser.get("/").forms[0]
    form["text"], form["author"] = text, author
    return form.submit(expect_errors=True)


def test_a_note_is_posted_and_shown_escaped(visit: Visit) -> None:
    posted = pin(visit(), "<script>alert(1)</script>\nsecond line", "A & B")
    assert posted.status_int == 303
    assert re.fullmatch(r"http://localhost/#note-[0-9a-f]{20}", posted.location)
    page = posted.follow()
    page.mustcontain("&lt;script&gt;alert(1)&lt;/script&gt;\nsecond line", "A &amp; B", no="<script>alert")
    assert f'id="{posted.location.partition("#")[2]}"' in page


def test_a_refused_note_comes_back_with_what_is_wrong(visit: Visit) -> None:
    refused = pin(visit(), "\nkept <as> typed" + "x" * 500, "a" * 41)
    assert refused.status_int == 422
    refused.mustcontain("The note is 515 characters long", "The name is 41 characters long", 'aria-invalid="true"')
    # The value of a text area loses its first line end, so that one more has to stand there.
    assert "\n\nkept &lt;as&gt; typed" in refused
    refused.mustcontain(no='class="note"')


def test_the_page_tells_who_served_it(visit: Visit) -> None:
    page = visit().get("/", extra_environ={"SERVER_SOFTWARE": "bigtop/1.0 <b>"})
    page.mustcontain(str(os.getpid()), "bigtop/1.0 &lt;b&gt;", "Search by</dt><dd>Redis")


def test_visits_are_counted_and_looking_is_none(visit: Visit) -> None:
    browser = visit()
    for _ in range(3):
        page = browser.get("/")
    page.mustcontain("Visits</dt><dd>3</dd>")
    assert browser.head("/").body == b""
    browser.get("/notes.json")
    browser.get("/").mustcontain("Visits</dt><dd>4</dd>")


def test_a_long_board_has_pages(visit: Visit) -> None:
    browser = visit()
    for number in range(21):
        browser.post_json("/notes.json", {"text": f"note {number}."})
    first = browser.get("/")
    first.mustcontain("note 20.", "Page 1 of 2", 'rel="next"', no=["note 0.", 'rel="prev"'])
    first.click("Older").mustcontain("note 0.", "Page 2 of 2", 'rel="prev"', no=["note 20.", 'rel="next"'])
    browser.get("/?page=999").mustcontain("Page 2 of 2")


def test_a_search_says_what_it_found_and_by_whom(visit: Visit) -> None:
    browser = visit()
    pin(browser, "The lion is loose")
    pin(browser, "Popcorn at the gate")
    browser.get("/?q=LION").mustcontain("The lion is loose", "says Redis", no="Popcorn")
    browser.get("/?q=<i>tiger").mustcontain("No note has", "<q>&lt;i&gt;tiger</q>", no="<i>tiger")
    browser.get("/?q=!!").mustcontain("at least one letter or digit", "The lion is loose", "Popcorn")


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_form_of_another_site_is_refused(visit: Visit, token: str) -> None:
    browser = visit()
    browser.get("/")
    refused = browser.post("/", {"text": "forged", "csrf_token": token}, status=400)
    refused.mustcontain("This form is out of date")
    assert browser.get("/notes.json").json["total"] == 0


def test_problems_are_pages_for_people_and_json_for_programs(visit: Visit) -> None:
    browser = visit()
    browser.get("/nowhere", status=404).mustcontain("Nothing here")
    assert browser.get("/nowhere.json", status=404).json["status"] == 404
    browser.get("/?q=%ff", status=400).mustcontain("not UTF-8")
    assert browser.get("/search.json?q=%ff", status=400).json["status"] == 400


def test_bodies_are_bounded_and_utf_8(visit: Visit) -> None:
    browser = visit()
    browser.post("/", {"text": "x" * 20_000}, status=413).mustcontain("the limit is 16384")
    odd = "application/x-www-form-urlencoded; charset=utf-7"
    browser.post("/", "text=x", content_type=odd, status=415).mustcontain("Send UTF-8")


def test_nothing_comes_from_elsewhere_and_assets_may_be_kept(visit: Visit) -> None:
    browser = visit()
    page = browser.get("/")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(r"""(src|href)=["'](https?:)?//|style=|<script>""", page.text)
    assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(assets) == 3
    for asset in assets:
        assert "max-age" in browser.get(asset.replace("&amp;", "&")).headers["Cache-Control"]
