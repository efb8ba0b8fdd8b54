"""Where a worker finds its gate: what a supervisor tells it in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from typing import NamedTuple

from chaussette.errors import UsageError

# PAGE:ALARM, the numbers of both descriptors.
VARIABLE = "CHAUSSETTE_GATE"
_AS_GIVEN: Mapping[int, int] = {}


class GateFds(NamedTuple):
    """The descriptors of a `chaussette.gate.Gate`."""

    page: int
    alarm: int


def from_environ(environ: MutableMapping[str, str], numbers: Mapping[int, int] = _AS_GIVEN) -> GateFds | None:
    """Those that a supervisor has given to this process; None where it hasn't. They are taken out of `environ`, and
    kept from programs that the application starts. `numbers` are of descriptors that have got others here. Raises
    UsageError."""
    text = environ.pop(VARIABLE, "")
    if not text:
        return None
    parts = text.split(":")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise UsageError(f"{VARIABLE}: {text!r} is not of the form PAGE:ALARM")
    page, alarm = (numbers.get(int(part), int(part)) for part in parts)
    try:
        for fd in (page, alarm):
            os.set_inheritable(fd, False)
    except OSError as error:
        raise UsageError(f"{VARIABLE}={text}: {error}") from None
    return GateFds(page, alarm)
