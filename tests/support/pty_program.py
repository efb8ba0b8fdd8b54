"""A program in a terminal of its own, which the test looks at, types into and closes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.waiting import PATIENCE_S, wait_until


class PtyProgram:
    """A child that leads a session whose controlling terminal is ours to hold."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self._master, slave = os.openpty()
        self._shown = bytearray()
        try:
            self.popen = subprocess.Popen(
                list(argv),
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env={**env, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
                cwd=cwd,
                start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            )
        finally:
            os.close(slave)
        os.set_blocking(self._master, False)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def shown(self) -> str:
        """All that stands on the terminal so far."""
        with contextlib.suppress(OSError):
            while self._master >= 0 and (data := os.read(self._master, 65536)):
                self._shown += data
        return self._shown.decode(errors="replace")

    def wait_shown(self, text: str, *, timeout_s: float = 2 * PATIENCE_S) -> str:
        wait_until(lambda: text in self.shown(), f"{text!r} on the terminal", timeout_s=timeout_s, detail=self.shown)
        return self.shown()

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def hang_up(self) -> None:
        """Close the terminal, as a window that is closed does."""
        self.shown()
        os.close(self._master)
        self._master = -1

    def wait_exit(self, *, timeout_s: float = PATIENCE_S) -> int:
        wait_until(
            lambda: self.shown() is not None and self.popen.poll() is not None,
            "the end",
            timeout_s=timeout_s,
            detail=self.shown,
        )
        return self.popen.returncode

    def close(self) -> None:
        """Kill and reap; safe to call twice."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(PATIENCE_S)
        if self._master >= 0:
            self.hang_up()
