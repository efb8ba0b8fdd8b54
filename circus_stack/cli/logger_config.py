"""`--logger-config FILE`: Python's own configuration of logging, in an ini, in JSON or in YAML.

What circusd says goes to the logger `circus`, as with Circus, so that files written for it work.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from circus_stack.errors import CircusStackError, ConfigError, Problem

LOGGER = "circus"
# Circus's word for no file: what loglevel and logoutput say.
DEFAULT = "default"


def configure_logging(path: Path) -> None:
    """Configure `logging` as a file says. Raises ConfigError: no such file, not of a known kind, or wrong."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise _wrong(path, "must end in .ini, .json or .yaml: the end of its name says how it is read")
    try:
        read(path)
    except CircusStackError:
        raise
    except OSError as error:
        raise _wrong(path, error.strerror or str(error)) from None
    except Exception as error:
        # logging raises ValueError, KeyError, RuntimeError, and whatever a handler's class raises.
        cause = error.__cause__
        raise _wrong(path, f"{_said(error)}: {_said(cause)}" if cause is not None else _said(error)) from None
    _enable_ours()


def _said(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return " ".join(str(error).split()) or repr(error)


def _wrong(path: Path, text: str) -> ConfigError:
    return ConfigError([Problem(f"the logger configuration {path}: {text}")])


def _read_ini(path: Path) -> None:
    # These take their time to import, and few programs are configured so.
    import configparser
    import logging.config

    parser = configparser.RawConfigParser()
    with path.open(encoding="utf-8") as file:
        parser.read_file(file)
    logging.config.fileConfig(parser, disable_existing_loggers=False)


def _read_json(path: Path) -> None:
    _apply(json.loads(path.read_text(encoding="utf-8")))


def _read_yaml(path: Path) -> None:
    try:
        import yaml
    except ImportError:
        raise _wrong(path, "YAML is read with PyYAML, which is not installed: pip install PyYAML") from None
    _apply(yaml.safe_load(path.read_text(encoding="utf-8")))


def _apply(found: Any) -> None:
    if not isinstance(found, dict):
        raise ValueError("must hold a mapping at its top, with version: 1")
    import logging.config

    logging.config.dictConfig(found)


_READERS: dict[str, Callable[[Path], None]] = {
    ".ini": _read_ini,
    ".json": _read_json,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
}


def _enable_ours() -> None:
    """`disable_existing_loggers`, which is the default in JSON and YAML, also means those that our modules made."""
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.split(".")[0] in (LOGGER, "circus_stack"):
            logger.disabled = False
