"""A real terminal for a test: a tmux server of its own with one window, in which one program runs."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.support.waiting import wait_until


class Tmux:
    """`columns` x `rows` cells; what the program leaves on the screen stays to be looked at."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, columns: int, rows: int) -> None:
        self._socket = f"circus-stack-{uuid.uuid4().hex[:12]}"
        # The size is the terminal's; pytest-xdist has told its workers another one.
        self._env = {name: value for name, value in env.items() if name not in ("TMUX", "COLUMNS", "LINES")}
        # Told by a file: tmux now and then misses the end of its own child.
        self._status = cwd / f"{self._socket}.status"
        words = f"TERM=xterm-256color LANG=C.UTF-8 {shlex.join(argv)}; echo $? >{shlex.quote(str(self._status))}"
        command = shlex.join(["sh", "-c", words])
        size = ["-x", str(columns), "-y", str(rows)]
        self._run("-f", "/dev/null", "new-session", "-d", "-c", str(cwd), *size, "sleep 600", ";",
                  "set-option", "-g", "remain-on-exit", "on", ";", "respawn-pane", "-k", command)  # fmt: skip

    def _run(self, *words: str) -> str:
        argv = ["tmux", "-L", self._socket, *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=self._env, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def screen(self) -> str:
        """What stands on the screen."""
        return self._run("capture-pane", "-p")

    def wait_shown(self, *texts: str) -> str:
        """The screen on which all of these stand at once."""

        def shown() -> str:
            screen = self.screen()
            return screen if all(text in screen for text in texts) else ""

        return wait_until(shown, repr(texts), detail=self.screen, pause_s=0.1)

    def type(self, *keys: str) -> None:
        """Press keys, by tmux' names."""
        self._run("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        """Another size, as a window that is dragged."""
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def wait_exit(self) -> int:
        """The exit status of the program."""

        def ended() -> str:
            return self._status.read_text() if self._status.exists() else ""

        return int(wait_until(ended, "the end", detail=self.screen, pause_s=0.1))

    def close(self) -> None:
        """End the server and what runs in it."""
        self._run("kill-server")


@contextlib.contextmanager
def terminal(argv: Sequence[str], env: Mapping[str, str], cwd: Path, columns: int, rows: int) -> Iterator[Tmux]:
    """A terminal for the length of a block."""
    made = Tmux(argv, env, cwd, columns, rows)
    try:
        yield made
    finally:
        made.close()
