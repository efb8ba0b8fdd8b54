"""Trying in a process of its own whether something imports: gevent, meinheld and the like leave marks on theirs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from circus_stack.system.inquiry import inquire

# A cold import from a slow disk; beyond it, doctor should say so and go on.
_TIMEOUT_S = 20.0


def try_python(
    code: str, arguments: Sequence[str], environ: Mapping[str, str], *, timeout_s: float = _TIMEOUT_S
) -> tuple[Any, str]:
    """Run `code`, which prints one JSON value last; that value and "", or None and why there is none."""
    answer = inquire([sys.executable, "-W", "ignore", "-c", code, *arguments], env=environ, timeout_s=timeout_s)
    lines = answer.output.strip().splitlines()
    if answer.exit_code == 0 and lines:
        return json.loads(lines[-1]), ""
    if answer.exit_code is not None and answer.exit_code < 0:
        return None, f"the import ended by signal {-answer.exit_code}"
    return None, (answer.errors.strip().splitlines() or ["the import ended without a word"])[-1]
