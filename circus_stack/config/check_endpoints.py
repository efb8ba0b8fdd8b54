"""Where commands may arrive: endpoints that leave this machine are refused. Pure."""

from __future__ import annotations

from circus_stack.config.listen import UNIX_PATH_BYTES, is_loopback
from circus_stack.config.problems import Problems
from circus_stack.config.schema import CircusConfig


def check_endpoints(circus: CircusConfig, problems: Problems) -> None:
    """Commands are not encrypted and not asked for a password: they stay on this machine."""
    for option in ("endpoint", "pubsub_endpoint", "logs_endpoint", "stats_endpoint"):
        text: str = getattr(circus, option)
        message, legal = _endpoint_mistake(text)
        if message:
            problems.add(message, circus.where.get(option), section="circus", option=option, found=text, legal=legal)


def _endpoint_mistake(text: str) -> tuple[str, str]:
    legal = "tcp://127.0.0.1:PORT or ipc://PATH"
    if not text:
        return "", ""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("tcp", "ipc") or not rest:
        return "is not an endpoint", legal
    if scheme == "ipc":
        size = len(rest.encode())
        return (f"is {size} bytes long", f"at most {UNIX_PATH_BYTES} bytes") if size > UNIX_PATH_BYTES else ("", "")
    host, colon, port = rest.rpartition(":")
    if not colon or not (port.isdecimal() and 0 < int(port) <= 65535):
        return "is not an endpoint", legal
    if not is_loopback(host.strip("[]")):
        return "would take commands from other machines, which this version does not authenticate", legal
    return "", ""
