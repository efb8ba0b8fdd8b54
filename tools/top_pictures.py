"""Takes the pictures of circus-top that the documents show: a real stack under a little load, drawn by Textual.

python tools/top_pictures.py [--directory docs/images] [--seconds 40]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.running_stack import RunningStack
from circus_stack.cli.ctl_reach import Tunnels
from circus_stack.cli.top_places import Wanted, places_of
from circus_stack.top.lines import View
from circus_stack.top.screen.app import TopApp
from tools.shop import shop

# rich's own sheet names fonts of a server on the net; a picture in a repository must not ask anyone for anything.
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--directory", type=Path, default=Path("docs/images"))
    parser.add_argument("--seconds", type=float, default=40.0, help="how long there is load before the pictures")
    options = parser.parse_args()
    with shop() as stack:
        time.sleep(options.seconds)
        pictures = asyncio.run(_take(stack))
    options.directory.mkdir(parents=True, exist_ok=True)
    for name, svg in pictures.items():
        (options.directory / f"{name}.svg").write_text(svg)
    return 0


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
