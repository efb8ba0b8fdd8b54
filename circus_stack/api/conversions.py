"""What plugins, hooks and embedding programs import from `circus.util`: values and their texts, names, endpoints."""

from __future__ import annotations

import importlib
import logging
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import psutil

from circus_stack.errors import CircusStackError
from circus_stack.literals import parse_bool
from circus_stack.plugins.options import parse_signal, parse_size
from circus_stack.plugins.periodic import PeriodicCallback as AsyncPeriodicCallback
from circus_stack.protocol.figures import format_bytes

DEFAULT_ENDPOINT_DEALER = "tcp://127.0.0.1:5555"
DEFAULT_ENDPOINT_SUB = "tcp://127.0.0.1:5556"
DEFAULT_ENDPOINT_STATS = "tcp://127.0.0.1:5557"
DEFAULT_ENDPOINT_MULTICAST = "udp://237.219.251.97:12027"

IS_WINDOWS = False


def to_bool(value: bool | str) -> bool:
    """yes, true, on, 1, no, false, off, 0, or a boolean itself. Raises ValueError."""
    return value if isinstance(value, bool) else parse_bool(str(value))


def to_str(value: str | bytes, encoding: str = "utf8", errors: str = "replace") -> str:
    """Text of text or bytes."""
    return value.decode(encoding, errors) if isinstance(value, bytes) else value


def to_bytes(value: str | bytes, encoding: str = "utf8") -> bytes:
    """Bytes of bytes or text."""
    return value.encode(encoding) if isinstance(value, str) else value


def to_signum(value: int | str) -> int:
    """A signal's number from its number, name, or text of either. Raises ValueError."""
    return int(signal.Signals(value)) if isinstance(value, int) else parse_signal(value)


def bytes2human(count: int) -> str:
    """1510000 -> `1.44M`."""
    return format_bytes(count)


def human2bytes(text: str) -> int:
    """`1.36M` -> bytes. Raises ValueError."""
    return parse_size(str(text))


def parse_env_str(text: str) -> dict[str, str]:
    """`A=1,B=2` -> {A: 1, B: 2}. Raises ValueError."""
    pairs = [item.partition("=") for item in text.split(",") if item.strip()]
    if any(not equals for _, equals, _ in pairs):
        raise ValueError(f"found {text!r}; legal: NAME=VALUE,NAME=VALUE")
    return {name.strip(): value.strip() for name, _, value in pairs}


def parse_env_dict(env: Mapping[str, object]) -> dict[str, str]:
    """The same mapping, of texts."""
    return {str(name): str(value) for name, value in env.items()}


def env_to_str(env: Mapping[str, str]) -> str:
    """{B: 2, A: 1} -> `A=1,B=2`."""
    return ",".join(f"{name}={value}" for name, value in sorted(env.items()))


def resolve_name(name: str) -> Any:
    """What a dotted name stands for, importing its module. Raises ImportError."""
    module, dot, attribute = name.replace(":", ".").rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute) if dot else importlib.import_module(name)
    except AttributeError:
        return importlib.import_module(name)


def get_info(process: Any = None, interval: float = 0, with_childs: bool = False) -> dict[str, Any]:
    """What a process (this one) uses, by Circus's keys. Raises psutil.NoSuchProcess."""
    process = process or psutil.Process()
    memory = process.memory_info()
    info = {
        "pid": process.pid,
        "cpu": process.cpu_percent(interval=interval),
        "mem": round(process.memory_percent(), 1),
        "mem_info1": bytes2human(memory.rss),
        "mem_info2": bytes2human(memory.vms),
        "username": process.username(),
        "nice": process.nice(),
        "create_time": process.create_time(),
        "cmdline": process.name(),
        "children": [],
    }
    if with_childs:
        info["children"] = [get_info(child, interval) for child in process.children()]
    return info


def debuglog(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself: who calls what is told by a debugger."""
    return function


def configure_logger(
    logger: logging.Logger,
    level: str | int = "INFO",
    output: str = "-",
    loggerconfig: str | None = None,
    name: str | None = None,
) -> None:
    """Let a logger write at `level` to a file, or to stderr for `-`. Raises OSError, and ValueError for a level."""
    if loggerconfig not in (None, "", "default"):
        raise CircusStackError("a logger configuration is the affair of the program: call logging.config yourself")
    handler = logging.StreamHandler() if output == "-" else logging.FileHandler(output)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s[%(process)d] [%(levelname)s] %(message)s"))
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper() if isinstance(level, str) else level)
    if name is not None:
        logger.name = name


def check_future_exception_and_log(future: Future[Any] | None) -> BaseException | None:
    """The exception of a future that is done, logged; None where there is none."""
    error = future.exception() if future is not None and future.done() else None
    if error is not None:
        logging.getLogger("circus").error("%s", error, exc_info=error)
    return error


__all__ = [
    "AsyncPeriodicCallback",
    "DEFAULT_ENDPOINT_DEALER",
    "DEFAULT_ENDPOINT_MULTICAST",
    "DEFAULT_ENDPOINT_STATS",
    "DEFAULT_ENDPOINT_SUB",
    "IS_WINDOWS",
    "bytes2human",
    "check_future_exception_and_log",
    "configure_logger",
    "debuglog",
    "env_to_str",
    "get_info",
    "human2bytes",
    "parse_env_dict",
    "parse_env_str",
    "resolve_name",
    "to_bool",
    "to_bytes",
    "to_signum",
    "to_str",
]
