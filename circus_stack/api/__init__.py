"""The Python API, in the form that Circus gave it: what embedding programs, plugins and hooks import.

`import circus` means this package where Circus itself is not installed, see `alias`.
"""

from __future__ import annotations

import logging

from circus_stack import __version__

logger = logging.getLogger("circus")

__all__ = ["__version__", "logger"]
