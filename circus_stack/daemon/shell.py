"""A kernel of IPython inside the arbiter, for its debugging alone: where debug is on and ipykernel is installed.

Whoever reaches it runs code as the arbiter. It listens on the loopback interface with a key that stands in its
connection file, which only this user can read.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)


class DebugShell:
    """Opens the kernel when it is asked for first; it lives as long as the arbiter."""

    def __init__(self, names: Mapping[str, object]) -> None:
        self._names = dict(names)
        self._file: str | None = None

    def open(self, *, is_debug: bool) -> tuple[str | bool, str]:
        """The connection file for `jupyter console --existing`, or False; and a message for a person."""
        if not is_debug:
            return False, "no shell: set debug = true in [circus] to have one"
        if self._file is None:
            if importlib.util.find_spec("ipykernel") is None:
                return False, "no shell: No module named 'ipykernel'; pip install ipykernel jupyter-console"
            try:
                self._file = self._start()
            except (Exception, SystemExit) as error:
                # A bad configuration of Jupyter's ends the program, if nobody is in the way.
                log.exception("no kernel of IPython could be started")
                return False, f"no shell: {error}"
        return self._file, f"jupyter console --existing {self._file}"

    def _start(self) -> str:
        app = _application()
        try:
            app.initialize([])
        except BaseException:
            type(app).clear_instance()
            raise
        # Its user's names, so that there is something to look at.
        app.kernel.user_ns.update(self._names)
        app.kernel.start()
        return str(app.abs_connection_file)


def _application() -> Any:
    """The kernel's application, which leaves the arbiter's output, signals and loop alone."""
    from ipykernel.kernelapp import IPKernelApp

    class QuietKernel(IPKernelApp):  # type: ignore[misc]
        """Serves in the loop that is running; takes nothing over."""

        def init_signal(self) -> None:
            """Signals are the arbiter's."""

        def init_io(self) -> None:
            """What was printed goes where it went."""
            kept = sys.stdout, sys.stderr, sys.displayhook
            super().init_io()
            sys.stdout, sys.stderr, sys.displayhook = kept

        def patch_io(self) -> None:
            """Nothing of the process is patched."""

        def init_crash_handler(self) -> None:
            """Failures are the arbiter's to tell."""

    return QuietKernel.instance(user_ns={}, capture_fd_output=False)
