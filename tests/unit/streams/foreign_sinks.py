"""Stream classes as users wrote them for Circus."""

from __future__ import annotations

from typing import Any


class Recorder:
    """Keeps the calls."""

    calls: list[Any] = []

    def __init__(self, tag: str = "", **_ignored: str) -> None:
        self.tag = tag

    def open(self) -> None:
        self.calls.append("open")

    def close(self) -> None:
        self.calls.append("close")

    def __call__(self, data: dict[str, Any]) -> None:
        if data["data"] == b"bad\n":
            raise ValueError("does not like it")
        self.calls.append((self.tag, data["data"], data["pid"], data["name"], type(data["timestamp"]).__name__))


class Strict:
    """Takes one option."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, data: dict[str, Any]) -> None:
        """Nothing to do."""


class Broken(Strict):
    """Cannot be made."""

    def __init__(self, **_options: str) -> None:
        raise KeyError("no such queue")


class Mute:
    """Its instances cannot be called."""


NOT_A_CLASS = 1
