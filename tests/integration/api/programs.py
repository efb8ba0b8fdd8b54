"""Programs that a test runs to their end, since they change their whole interpreter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping


def output_of(program: str, *words: str, env: Mapping[str, str] | None = None) -> str:
    """What a Python program prints. It must end well; a warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *words],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
