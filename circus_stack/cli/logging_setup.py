"""Where the records of Python's `logging` go in our programs: into the same lines as all that a program says itself.

Called in `main()` alone, after the last fork. A record's text is made in the thread that logs; writing it is a lane's
work, so that a log statement in the loop never waits for a disk or a terminal.
"""

from __future__ import annotations

import logging

from circus_stack.cli.voice import Level, Voice

_ROOT = "circus_stack"


class VoiceHandler(logging.Handler):
    """Says each record; an exception's traceback stands below it, at debug level or in an error."""

    def __init__(self, voice: Voice) -> None:
        super().__init__()
        self._voice = voice

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = Level.at_least(record.levelno)
            self._voice.speak(level, self.format(record), logger=record.name)
        except Exception:
            self.handleError(record)


def configure(level: str, voice: Voice) -> None:
    """Send our own records at `level` and above, and those of libraries from warnings up, to `voice`.

    `level` is a name of `logging` in any case; ValueError for another. Calling it again replaces what was set before.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"{level!r} is no log level")
    logging.getLogger().handlers[:] = [VoiceHandler(voice)]
    logging.getLogger().setLevel(max(number, logging.WARNING))
    ours = logging.getLogger(_ROOT)
    ours.handlers[:], ours.propagate = [], True
    ours.setLevel(number)
    # A warning of Python's own would be written to stderr directly otherwise, from whichever thread.
    logging.captureWarnings(True)
    voice.threshold = number


def configure_ours(level: int, voice: Voice) -> None:
    """Send our own records to `voice`, and leave the rest to a configuration that somebody wrote."""
    ours = logging.getLogger(_ROOT)
    ours.handlers[:], ours.propagate = [VoiceHandler(voice)], False
    ours.setLevel(level)
    logging.captureWarnings(True)
    voice.threshold = level
