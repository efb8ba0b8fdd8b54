"""Where the released programs stand whose configurations are imported: `make test` installs them (tools/peers)."""

from __future__ import annotations

import sys
from pathlib import Path

_PEERS = Path(sys.prefix) / "imported"


def released(program: str) -> str:
    """The path of supervisord, honcho or gunicorn."""
    path = _PEERS / "bin" / program
    assert path.exists(), f"{path} is missing: tools/peers installs it, and `make test` runs that"
    return str(path)
