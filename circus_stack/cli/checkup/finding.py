"""One thing that was looked at, and what came of it. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """`HINT` works, but could bite; `MISSING` is not there and need not be; `BROKEN` is there and fails, or must be
    there and is not."""

    OK = "ok"
    HINT = "hint"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """`detail` says what was found, or why it doesn't work; `mend` is what to do or to run, empty if nothing is.

    `is_required`: without it, circus-stack (or the stack that was asked about) cannot run.
    """

    area: str
    name: str
    status: Status
    version: str = ""
    detail: str = ""
    mend: str = ""
    is_required: bool = False

    @property
    def is_fatal(self) -> bool:
        """Whether no stack can run without what was not found."""
        return self.is_required and self.status in (Status.MISSING, Status.BROKEN)
