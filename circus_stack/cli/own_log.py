"""Where circusd's own words go: stderr, a file, syslog, or whatever a configuration of `logging` says."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from circus_stack.cli import logging_setup
from circus_stack.cli.log_thread import LogThread
from circus_stack.cli.logger_config import DEFAULT, LOGGER, configure_logging
from circus_stack.cli.syslog_output import SCHEME, open_syslog
from circus_stack.cli.voice import Level, Voice, form_of_circus
from circus_stack.config.schema import CircusConfig
from circus_stack.errors import CircusStackError

# Circus writes its log to stderr for both.
STDERR = ("-", "stdout")


class LoggerVoice(Voice):
    """Hands each message to `logging`, by a thread, as a record of the logger `circus`."""

    def __init__(self, thread: LogThread, threshold: int) -> None:
        super().__init__(_silent, form_of_circus("circusd", 0), threshold=threshold)
        self._log = thread

    def speak(self, level: Level, text: str, **fields: object) -> None:
        """Queue a record; never waits. `fields` are left out: a formatter could not know their names."""
        del fields
        if level >= self.threshold:
            number = Level.INFO if level is Level.GOOD else level
            self._log.put(logging.LogRecord(LOGGER, int(number), "", 0, text, None, None))


class OwnLog:
    """An opened log that is neither stderr nor a plain file. `say_to` makes the voice that speaks to it."""

    def __init__(self, thread: LogThread, listen: Callable[[Voice], None], threshold: int) -> None:
        self._thread = thread
        self._listen = listen
        self._threshold = threshold

    def voice(self) -> Voice:
        """What circusd speaks with; the records of our modules go the same way from here on."""
        voice = LoggerVoice(self._thread, self._threshold)
        self._listen(voice)
        return voice

    def close(self) -> None:
        """Let what waits be written. Waits for 2 s at most."""
        self._thread.close()


def open_own_log(circus: CircusConfig, output: str, logger_config: str | None) -> OwnLog | None:
    """The log that flags and `[circus]` ask for; None for stderr and plain files, which the terminal's lanes write.

    A configuration of `logging` counts more than an output and a level. Raises ConfigError and CircusStackError.
    """
    config = logger_config or circus.loggerconfig
    if config is not None and config.strip().lower() not in (DEFAULT, ""):
        configure_logging(Path(config))
        level = logging.getLogger(LOGGER).getEffectiveLevel()
        return OwnLog(LogThread(_handle), lambda voice: logging_setup.configure_ours(level, voice), level)
    if output.startswith(SCHEME):
        handler = open_syslog(output)
        name = level_of(circus)
        number = logging.getLevelNamesMapping()[name.upper()]
        return OwnLog(LogThread(handler.handle), lambda voice: logging_setup.configure(name, voice), number)
    if output not in STDERR:
        _check_file(output)
    return None


def _check_file(path: str) -> None:
    """Told at the start: a log that can't be written has no other place to say so."""
    try:
        with Path(path).open("ab"):
            pass
    except OSError as error:
        raise CircusStackError(f"cannot write the log file {path}: {error.strerror}") from None


def level_of(circus: CircusConfig) -> str:
    """The name of the log level; `debug = true` counts more than `loglevel`."""
    return "debug" if circus.debug else circus.loglevel


def _handle(record: logging.LogRecord) -> None:
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)


def _silent(_text: str) -> None:
    """What is said goes to the thread."""
