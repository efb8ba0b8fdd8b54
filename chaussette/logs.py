"""Where the log goes and what a line looks like, when no ini says otherwise. Called by `main()` alone."""

from __future__ import annotations

import io
import logging
import sys

from chaussette.errors import UsageError

FORMAT = "%(asctime)s [%(process)d] [%(levelname)s] %(message)s"


def show_lines_at_once() -> None:
    """Let what the application prints leave line by line: into a pipe Python would collect 8 KiB first."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)


def configure(level: str, output: str) -> None:
    """Log to standard error, or to the file `output` (close-on-exec, as Python opens all), from `level` on."""
    root = logging.getLogger()
    root.addHandler(handler_for(output))
    root.setLevel(level.upper())


def handler_for(output: str) -> logging.Handler:
    """A handler that writes our lines to standard error ('-') or to a file."""
    handler: logging.Handler
    if output == "-":
        handler = logging.StreamHandler(sys.stderr)
    else:
        try:
            handler = logging.FileHandler(output)
        except OSError as error:
            raise UsageError(f"log output {output!r}: {error.strerror}") from error
    handler.setFormatter(logging.Formatter(FORMAT))
    return handler
