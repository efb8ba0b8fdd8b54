"""Takes the pictures of circus-top that the documents show: a real stack under a little load, drawn by Textual.

    python tools/top_pictures.py [--directory docs/images] [--seconds 40]

Three workers that answer in some milliseconds, a job that ends now and then, a watcher that is given up.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.running_stack import RunningStack, serve
from circus_stack.cli.ctl_reach import Tunnels
from circus_stack.cli.top_places import Wanted, places_of
from circus_stack.top.lines import View
from circus_stack.top.screen.app import TopApp

# rich's own sheet names fonts of a server on the net; a picture in a repository must not ask anyone for anything.
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)

_APP = """
import random, time

def make(_config, **_settings):
    def app(environ, start_response):
        time.sleep(random.expovariate(120))
        status = "500 Internal Server Error" if random.random() < 0.01 else "200 OK"
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", "6")])
        if random.random() < 0.05:
            print("order", random.randrange(1000, 9999), "was placed", flush=True)
        return [b"hello\\n"]
    return app
"""
_INI = """
[app:main]
paste.app_factory = shop:make
[server:main]
use = egg:circus-stack
listen = 127.0.0.1:0
backend = gevent
workers = 3
[circus]
statsd = true
[watcher:mailer]
cmd = sh -c 'while true; do echo "queue is empty"; sleep 2; done'
[watcher:thumbnails]
cmd = sh -c 'sleep 7; echo "cannot read the picture" >&2; exit 1'
numprocesses = 2
[watcher:search]
cmd = sleep 100000
"""


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--directory", type=Path, default=Path("docs/images"))
    parser.add_argument("--seconds", type=float, default=40.0, help="how long there is load before the pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cst", dir="/tmp") as home:
        base = Path(home)
        (base / "shop.py").write_text(_APP)
        (base / "shop.ini").write_text(_INI)
        with serve(str(base / "shop.ini"), cwd=base, environ={"PYTHONPATH": home}) as stack, _load(stack.port):
            time.sleep(options.seconds)
            pictures = asyncio.run(_take(stack))
    options.directory.mkdir(parents=True, exist_ok=True)
    for name, svg in pictures.items():
        (options.directory / f"{name}.svg").write_text(svg)
    return 0


@contextlib.contextmanager
def _load(port: int) -> Iterator[None]:
    ends = threading.Event()
    clients = [threading.Thread(target=_ask, args=(port, ends)) for _ in range(4)]
    for each in clients:
        each.start()
    try:
        yield
    finally:
        ends.set()
        for each in clients:
            each.join()


def _ask(port: int, ends: threading.Event) -> None:
    while not ends.is_set():
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", "/")
            connection.getresponse().read()
        # More and less by turns, so that there is something to be seen.
        ends.wait(random.expovariate(20 + 40 * (time.monotonic() % 60 > 30)))


async def _take(stack: RunningStack) -> dict[str, str]:
    """SVG by name."""
    pictures = {}
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(stack.log.parent)}
    for name, size, keys in (
        ("circus-top", (100, 30), ("enter",)),
        ("circus-top-narrow", (80, 24), ("down",)),
        ("circus-top-wide", (200, 50), ("down", "down", "enter")),
    ):
        app = TopApp(places_of(Wanted(), environ, Tunnels()), View(), has_control=False, silence_s=3.0)
        async with app.run_test(size=size) as pilot:
            await pilot.pause(2.0)
            await pilot.press(*keys)
            await pilot.pause(6.0)
            pictures[name] = _FONT_FACE.sub("", app.export_screenshot(title="circus-top")).replace(
                "Fira Code", "monospace"
            )
    return pictures


if __name__ == "__main__":
    sys.exit(main())
