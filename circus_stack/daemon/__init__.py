"""The composition root: a StackConfig in, a running arbiter with its control and streams out.

Nothing is decided here; everything is built, connected, run and taken down in order. What fails before `run` has
started nothing and left nothing behind.
"""

from __future__ import annotations

from circus_stack.daemon.arrangement import Bound, arrange, bind
from circus_stack.daemon.running import Daemon
from circus_stack.daemon.setting import Setting

__all__ = ["Bound", "Daemon", "Setting", "arrange", "bind"]
