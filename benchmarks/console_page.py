"""How long the page of the console takes in Chromium until it shows the stack, and how many bytes it loads.

    python -m benchmarks.console_page [--rounds 7]

Each round is a browser context of its own, with nothing cached, that is logged in already.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from .running_stack import BIN, RunningStack, serve

_MOST_S, _MOST_BYTES = 1.0, 150_000
_INI = """
[watcher:job]
cmd = sleep 1000
numprocesses = 20
[circus]
httpd = true
httpd_port = {port}
"""
# Of the document and of all that it asked for.
_TRANSFERRED = """() => performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
    .reduce((sum, each) => sum + each.transferSize, 0)"""


@dataclass(frozen=True)
class Load:
    """Seconds until the heading of the overview is drawn, and bytes over the wire, heads included."""

    seconds: float
    transferred: int


def main() -> int:
    """1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="csp", dir="/tmp") as home:
        ini = Path(home) / "app.ini"
        ini.write_text(_INI.format(port=port))
        with serve(str(ini), cwd=Path(home)) as stack, sync_playwright() as playwright:
            program = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            base = f"http://127.0.0.1:{port}/"
            session = _log_in(browser, stack, base)
            loads = [_load(browser, session, base) for _ in range(rounds)]
            browser.close()
    seconds, transferred = statistics.median(each.seconds for each in loads), max(each.transferred for each in loads)
    slowest = max(each.seconds for each in loads)
    print(f"page of the console: shown after {seconds:.2f} s (median of {rounds}, slowest {slowest:.2f} s); limit 1 s")
    print(f"page of the console: {transferred / 1000:.0f} KB over the wire; limit 150 KB")
    return int(seconds > _MOST_S or transferred > _MOST_BYTES)


def _log_in(browser: Browser, stack: RunningStack, base: str) -> Any:
    """The cookies of a session."""
    argv = [str(BIN / "circus-stack"), "console", "--url", base]
    link = subprocess.run(argv, env=stack.environ, capture_output=True, text=True, check=True, timeout=30)
    context = browser.new_context()
    page = context.new_page()
    page.goto(link.stdout.strip())
    page.get_by_role("heading", name="Overview").wait_for()
    return context.storage_state()


def _load(browser: Browser, session: Any, base: str) -> Load:
    context = browser.new_context(storage_state=session)
    page = context.new_page()
    began = time.perf_counter()
    page.goto(base, wait_until="commit")
    page.get_by_role("link", name="job").first.wait_for()
    seconds = time.perf_counter() - began
    transferred = page.evaluate(_TRANSFERRED)
    context.close()
    return Load(seconds, transferred)


if __name__ == "__main__":
    sys.exit(main())
