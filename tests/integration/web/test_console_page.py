"""The page of the console in a real browser, against a real stack."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.integration.web.console import PASSWORD, Console
from tests.support.stack import RunningStack
from tests.support.waiting import PATIENCE_S
from tools import frontend

_PATIENCE_MS = 2000 * PATIENCE_S


@pytest.fixture
def page() -> Iterator[Page]:
    """A new browser, which must not meet an error of a script, nor ask any other machine."""
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        made = browser.new_page()
        made.set_default_timeout(_PATIENCE_MS)
        made.on("pageerror", lambda error: problems.append(str(error)))
        made.on("request", lambda request: _note_elsewhere(request.url, problems))
        yield made
        browser.close()
    assert problems == []


def _note_elsewhere(url: str, problems: list[str]) -> None:
    if not url.startswith("http://127.0.0.1:"):
        problems.append(f"asked {url}")


def address(console: Console, behind: str = "") -> str:
    return f"http://127.0.0.1:{console.port}/#/{behind}"


def test_the_parts_that_only_reckon() -> None:
    done = subprocess.run(
        ["npm", "test"], cwd=frontend.SOURCES, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_built_is_small_and_of_these_sources(console: Console) -> None:
    assert frontend.is_built()
    script = next(frontend.STATIC.glob("assets/*.js")).name
    status, content, headers = console.visitor().ask("GET", f"/assets/{script}", **{"Accept-Encoding": "gzip"})
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert len(content) < 100_000


def test_from_the_login_to_every_page(console: Console, stack: RunningStack, page: Page) -> None:
    made = console.browser()
    evil = "<img src=x onerror=alert(1)>"
    status, fields, _ = made.ask("POST", "/api/v1/watchers", {"name": evil, "cmd": "sleep 1000"})
    assert status == 201, fields
    console.room.run("circus-stack", "passwd", stdin=f"{PASSWORD}\n")

    page.goto(address(console))
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("this password is wrong", timeout=_PATIENCE_MS)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()

    # What looks like markup is a name.
    expect(page.get_by_role("link", name=evil).first).to_be_visible(timeout=_PATIENCE_MS)
    assert page.locator("main img").count() == 0
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="job", exact=True))
    expect(row).to_contain_text("2/2", timeout=_PATIENCE_MS)
    page.get_by_role("button", name="Stop job", exact=True).click()
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_role("button", name="Stop job", exact=True).click()
    page.get_by_role("button", name="Yes, stop").click()
    expect(row).to_contain_text("stopped", timeout=_PATIENCE_MS)
    page.get_by_role("button", name="Start job", exact=True).click()
    expect(row).to_contain_text("active", timeout=_PATIENCE_MS)

    page.get_by_role("link", name="job", exact=True).first.click()
    page.get_by_role("button", name="One more").click()
    expect(page.locator("main")).to_contain_text("3 of 3 processes", timeout=_PATIENCE_MS)
    assert len(stack.pids("job")) == 3

    for name in ("Logs", "Configuration", "Sockets", "Nodes", "Add watcher"):
        page.get_by_role("navigation").get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(
            re.compile("add a w|" + name, re.I), timeout=_PATIENCE_MS
        )
    page.get_by_label("Name", exact=True).fill("added")
    page.get_by_label("Command").fill("sleep 1000")
    page.get_by_role("button", name="Add and start").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("added", timeout=_PATIENCE_MS)

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible(timeout=_PATIENCE_MS)
    assert console.program.is_running()
