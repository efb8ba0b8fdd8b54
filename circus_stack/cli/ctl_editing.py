"""Line editing, history and the Tab key for circusctl's shell. Without readline in this Python, none of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_LINES = 1000


def history_file(environ: Mapping[str, str], home: Path) -> Path:
    """Where the history is kept: in the user's own directory for state."""
    state = environ.get("XDG_STATE_HOME") or str(home / ".local" / "state")
    return Path(state) / "circus-stack" / "circusctl_history"


class Editing:
    """For the length of a block `input` edits its line, remembers it, and completes it by `complete`.

    `complete` takes the line up to the cursor and returns what its last word may become.
    """

    def __init__(self, environ: Mapping[str, str], complete: Callable[[str], list[str]]) -> None:
        self._file = history_file(environ, Path.home())
        self._complete = complete
        self._found: list[str] = []

    def __enter__(self) -> Self:
        with contextlib.suppress(ImportError):
            self._begin()
        return self

    def _begin(self) -> None:
        import readline

        readline.set_completer(self._candidate)
        # Only what a shell takes for blanks: watchers have names like plugin:x, endpoints have slashes.
        readline.set_completer_delims(" \t\n")
        is_libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
        readline.set_history_length(_LINES)
        with contextlib.suppress(OSError):
            readline.read_history_file(self._file)

    def _candidate(self, _text: str, number: int) -> str | None:
        """readline asks for one candidate after the other."""
        if number == 0:
            self._found = self._candidates()
        return self._found[number] if number < len(self._found) else None

    def _candidates(self) -> list[str]:
        import readline

        found = self._complete(readline.get_line_buffer()[: readline.get_endidx()])
        # A word that is complete is left behind, but for the beginning of a topic.
        return [f"{each} " for each in found] if len(found) == 1 and not found[0].endswith(".") else found

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(ImportError, OSError):
            import readline

            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # What was typed may hold a password: in an environment that was set, in a command.
            os.close(os.open(self._file, os.O_CREAT | os.O_WRONLY, 0o600))
            readline.write_history_file(self._file)
