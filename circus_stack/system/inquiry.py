"""A short program run to its end for what it prints: for command lines that ask, never inside the arbiter's loop."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program said. `exit_code` is its status, minus the number of its signal, or None for a timeout."""

    exit_code: int | None
    output: str
    errors: str


def inquire(argv: Sequence[str], *, env: Mapping[str, str], timeout_s: float) -> Answer:
    """Run a program with no input; it is killed after `timeout_s`. Blocks.

    It stays in our process group: a Ctrl-C ends it too. A program that cannot be executed answers with 127, as a shell
    would say it.
    """
    try:
        popen = subprocess.Popen(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        return Answer(127, "", f"{argv[0]}: {error.strerror}")
    with popen:
        try:
            output, errors = popen.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            popen.kill()
            return Answer(None, "", f"no answer within {timeout_s:.0f} s")
    return Answer(popen.returncode, output, errors)
