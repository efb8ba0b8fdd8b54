"""A real browser on a real console beside a real stack."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.integration.serve.projects import write_app
from tests.integration.web.console import Console, start_console
from tests.support.stack import Room, RunningStack, describe, room
from tests.support.waiting import PATIENCE_S, wait_until

# Its name, what it writes and an event of it are no part of any page, whatever they hold.
HOSTILE = "<img src=x onerror=alert(1)>"
_INI = f"""
[app:main]
use = call:hello:make

[server:main]
use = egg:circus-stack
listen = 127.0.0.1:0
backend = gevent
workers = 2

[circus]
statsd = true

[watcher:job]
cmd = sleep 1000
numprocesses = 2
copy_env = true

[watcher:talk]
cmd = sh -c 'n=0; while :; do n=$((n+1)); echo "line $n \\033[31mred\\033[0m {HOSTILE}"; sleep 0.2; done'
copy_env = true
numprocesses = 2
depends_on = job
health = exec:true
health_interval = 1

[watcher:{HOSTILE}]
cmd = sleep 1000
copy_env = true
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("pages")) as made:
        yield made


@pytest.fixture(scope="module")
def stack(here: Room) -> RunningStack:
    ini: Path = here.directory / "app.ini"
    ini.write_text(_INI)
    write_app(here.directory)
    stack = here.serve(str(ini))
    stack.wait_pids(2, watcher="job")
    return stack


@pytest.fixture(scope="module")
def console(here: Room, stack: RunningStack) -> Console:
    return start_console(here, stack)


@pytest.fixture(scope="module")
def browser(here: Room, console: Console) -> Iterator[Browser]:
    before = {each.pid for each in here.leftovers()}
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "no Chromium is installed: make tested installs it"
    # Others use the processors, too.
    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield made
        made.close()
    # They end one after the other, and the room would take them for what the stack has left.
    wait_until(
        lambda: not [each for each in here.leftovers() if each.pid not in before and "chrom" in describe(each)],
        "the end of the browser",
    )


class Visit:
    """One page of one person; what went wrong in it is an error of the test."""

    def __init__(self, page: Page, console: Console) -> None:
        self.page = page
        self.console = console
        self.base = f"http://127.0.0.1:{console.port}/"
        self.mistakes: list[str] = []
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        page.on("request", self._note)
        page.on("dialog", lambda dialog: self.mistakes.append(f"ran a script: {dialog.message}"))

    def _note(self, request: Any) -> None:
        if not request.url.startswith((self.base, self.base.replace("http", "ws"), "data:", "blob:")):
            self.mistakes.append(f"asked {request.url}")

    def log_in(self, role: str = "admin") -> None:
        link = self.console.run("console", "--role", role, "--url", self.base).strip()
        self.page.goto(link)
        self.page.get_by_role("heading", name="Overview").wait_for()

    def go(self, where: str) -> None:
        self.page.goto(f"{self.base}#/{where}")

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)


@pytest.fixture
def visits(browser: Browser, console: Console) -> Iterator[Any]:
    """Makes visits, of any size and colours; each must have gone without a mistake."""
    contexts, made = [], []

    def visit(**options: Any) -> Visit:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        made.append(Visit(context.new_page(), console))
        return made[-1]

    yield visit
    for context in contexts:
        context.close()
    assert [each.mistakes for each in made if each.mistakes] == []


@pytest.fixture
def visit(visits: Any) -> Visit:
    found: Visit = visits()
    return found
