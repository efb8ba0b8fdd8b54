"""Takes a picture of a terminal in which a program really runs: tmux is the terminal, rich writes the SVG.

The documents' pictures are made by this, so that they show what a reader will see:

    tools/terminal_picture.py --until 'ready in' --after 'curl -s -o /dev/null http://127.0.0.1:6543/' \\
        --out docs/images/serve.svg -- .venv/bin/circus-stack serve examples/pyramid_app/development.ini
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

# rich's own sheet names fonts of a server on the net; a picture in a repository must not ask anyone for anything.
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Terminal:
    """A tmux server of our own with one window, in which one program runs; both are gone at the end."""

    def __init__(self, command: str, columns: int, rows: int) -> None:
        self._socket = f"circus-stack-picture-{os.getpid()}"
        size = ["-x", str(columns), "-y", str(rows)]
        environ = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TMUX")}
        self._run(
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            *size,
            "env",
            "TERM=xterm-256color",
            "sh",
            "-c",
            command,
            env=environ,
        )
        # What the program left on the screen stays to be looked at.
        self._run("set-option", "-g", "remain-on-exit", "on")

    def _run(self, *args: str, env: dict[str, str] | None = None) -> str:
        argv = ["tmux", "-L", self._socket, *args]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=10, env=env).stdout

    def screen(self) -> str:
        """The lines on the screen with their colours as escape sequences."""
        return self._run("capture-pane", "-e", "-p", "-S", "-")

    def wait_for(self, pattern: str, timeout_s: float) -> None:
        """Until the screen shows `pattern`, a regular expression; TimeoutError if it never does."""
        deadline = time.monotonic() + timeout_s
        while not re.search(pattern, Text.from_ansi(self.screen()).plain):
            if time.monotonic() > deadline:
                last = "\n".join(self.screen().rstrip().split("\n")[-20:])
                raise TimeoutError(f"the screen never showed {pattern!r}; its last lines:\n{last}")
            time.sleep(0.1)

    def is_dead(self) -> bool:
        return self._run("display-message", "-p", "#{pane_dead}").strip() == "1"

    def close(self, timeout_s: float) -> None:
        """Ctrl-C, then the end of the server; the program has `timeout_s` for its own end."""
        self._run("send-keys", "C-c")
        deadline = time.monotonic() + timeout_s
        while not self.is_dead() and time.monotonic() < deadline:
            time.sleep(0.1)
        self._run("kill-server")


def render(prompt: str, screen: str, columns: int, title: str) -> str:
    """An SVG of the prompt with the command, and of what came after it."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (prompt, "bold")))
    for line in screen.rstrip().split("\n"):
        console.print(Text.from_ansi(line), no_wrap=True, crop=True)
    svg = console.export_svg(title=title, theme=MONOKAI, unique_id="terminal")
    return _FONT_FACE.sub("", svg).replace("Fira Code", "ui-monospace, Menlo, Consolas")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--until", required=True, metavar="REGEX", help="take the picture when the screen shows this")
    parser.add_argument(
        "--after", action="append", default=[], metavar="COMMAND", help="run once it does, then wait a moment"
    )
    parser.add_argument("--prompt", help="the command line to show, where it differs from the one that is run")
    parser.add_argument("--timeout", type=float, default=60)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    command = shlex.join(arguments.command)
    terminal = Terminal(f"exec {command}", arguments.columns, arguments.rows)
    try:
        terminal.wait_for(arguments.until, arguments.timeout)
        for each in arguments.after:
            subprocess.run(each, shell=True, check=True, timeout=30)  # noqa: S602 - the author's own command line
        time.sleep(0.5)
        screen = terminal.screen()
    finally:
        terminal.close(arguments.timeout)
    prompt = arguments.prompt or command
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(render(prompt, screen, arguments.columns, prompt))
    return 0


if __name__ == "__main__":
    sys.exit(main())
