"""Takes the pictures of the web console that the documents show: a real stack under a little load, in a real browser.

python tools/console_pictures.py [--directory docs/images] [--seconds 60]
"""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.running_stack import BIN, RunningStack
from tools.shop import shop

_WIDE, _PHONE = (1280, 860), (390, 844)
# Live figures and lines have come by then.
_SETTLED_MS = 4000


@dataclass(frozen=True)
class Picture:
    """`page` is what stands behind the # of its address."""

    name: str
    page: str
    colours: str
    size: tuple[int, int] = _WIDE


PICTURES = (
    Picture("console-overview-light", "overview", "light"),
    Picture("console-overview-dark", "overview", "dark"),
    Picture("console-watcher-light", "watcher/web", "light"),
    Picture("console-watcher-dark", "watcher/web", "dark"),
    Picture("console-logs-dark", "logs", "dark"),
    Picture("console-phone-light", "overview", "light", _PHONE),
)
EVERY_PAGE = ("overview", "watcher/web", "watcher/invoices", "logs", "events", "config", "add", "sockets", "nodes")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--directory", type=Path, default=Path("docs/images"))
    parser.add_argument("--seconds", type=float, default=60.0, help="how long there is load before the pictures")
    parser.add_argument("--all", action="store_true", help="every page, both colours, wide and narrow, to be looked at")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with shop(circus=f"httpd = true\nhttpd_port = {port}") as stack, sync_playwright() as playwright:
        time.sleep(options.seconds)
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for each in _every() if options.all else PICTURES:
            _take(browser, stack, port, each, options.directory / f"{each.name}.png")
        browser.close()
    return 0


def _every() -> list[Picture]:
    return [
        Picture(f"{page.replace('/', '-')}-{colours}-{size[0]}", page, colours, size)
        for page in EVERY_PAGE
        for colours in ("light", "dark")
        for size in (_WIDE, _PHONE)
    ]


def _take(browser: Browser, stack: RunningStack, port: int, picture: Picture, path: Path) -> None:
    width, height = picture.size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=picture.colours)
    page: Page = context.new_page()
    base = f"http://127.0.0.1:{port}/"
    link = subprocess.run(
        [str(BIN / "circus-stack"), "console", "--url", base],
        env=stack.environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    page.goto(link.stdout.strip())
    page.get_by_role("heading", name="Overview").wait_for()
    page.goto(f"{base}#/{picture.page}")
    page.wait_for_timeout(_SETTLED_MS)
    page.screenshot(path=path)
    context.close()


if __name__ == "__main__":
    sys.exit(main())
