"""Programs started by a test, each in a session of its own, killed and reaped when the test ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.support.waiting import PATIENCE_S, wait_until

PYTHON = sys.executable
BIN = Path(sys.executable).parent


class Program:
    """A child whose stdout and stderr go to one file, so that no pipe can fill and block it."""

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        base_env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.log = log
        with log.open("ab") as out:
            self.popen = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**(os.environ if base_env is None else base_env), "PYTHONUNBUFFERED": "1", **(env or {})},
                cwd=cwd,
                pass_fds=tuple(pass_fds),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def is_running(self) -> bool:
        return self.popen.poll() is None

    def signal(self, signum: int) -> None:
        self.popen.send_signal(signum)

    def wait_output(self, text: str, *, timeout_s: float = PATIENCE_S) -> str:
        """Wait until `text` stands in the output; fail at once if the program ended without it."""

        def seen() -> bool:
            if text in self.output():
                return True
            if not self.is_running() and text not in self.output():
                raise AssertionError(
                    f"program ended with {self.popen.returncode} before printing {text!r}\n{self.output()}"
                )
            return False

        wait_until(seen, f"{text!r} in the output", timeout_s=timeout_s, detail=self.output)
        return self.output()

    def wait_exit(self, *, timeout_s: float = PATIENCE_S) -> int:
        try:
            return self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout_s:.0f} s\n{self.output()}") from None

    def kill_group(self) -> None:
        """SIGKILL to everything in the session's group, then reap: safe to call twice."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(PATIENCE_S)


@contextlib.contextmanager
def running(
    argv: Sequence[str],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator[Program]:
    """A `Program` for the length of a `with` block."""
    program = Program(argv, log, env=env, cwd=cwd, pass_fds=pass_fds)
    try:
        yield program
    finally:
        program.kill_group()


def wait_gone(pid: int) -> None:
    """Until there is no process of that number, or only its zombie: who was a subreaper once is handed those of others'
    children, and reaps them when its test ends."""
    wait_until(lambda: is_gone(pid), f"the end of process {pid}")


def is_gone(pid: int) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return fields[0] in "ZX"
