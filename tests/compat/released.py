"""Where the released Circus stands: `make test` makes its virtual environment (tools/peers)."""

from __future__ import annotations

import sys
from pathlib import Path

_PEER = Path(sys.prefix) / "circus"
PEER_PYTHON = _PEER / "bin" / "python"


def released(program: str) -> str:
    """The path of one of its programs."""
    path = _PEER / "bin" / program
    assert path.exists(), f"{path} is missing: tools/peers installs the released Circus, and `make test` runs it"
    return str(path)
