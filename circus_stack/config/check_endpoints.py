"""Where commands may arrive, and where the log may go: endpoints that leave this machine need keys. Pure."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from circus_stack.config.listen import UNIX_PATH_BYTES, is_loopback
from circus_stack.config.problems import Problems
from circus_stack.config.schema import CircusConfig

# libzmq takes ipc://@NAME for a name in the kernel, which no file's mode protects.
ABSTRACT = "is open to every user of this machine: a name that begins with @ is no file"
_WITH_KEYS = "make keys with `circus-stack keygen server` and name their directory: keys_dir = DIR"
_SYSLOG = "syslog://HOST:PORT?FACILITY or syslog:///PATH?FACILITY"


def check_endpoints(circus: CircusConfig, problems: Problems) -> None:
    """Without keys commands are not encrypted, and anybody's: they stay on this machine then."""
    for option in ("endpoint", "pubsub_endpoint", "logs_endpoint", "stats_endpoint", "stats_query_endpoint"):
        text: str = getattr(circus, option)
        message, legal = _endpoint_mistake(text, has_keys=bool(circus.keys_dir))
        if message:
            problems.add(message, circus.where.get(option), section="circus", option=option, found=text, legal=legal)
    for option, is_right, legal in (
        ("multicast_endpoint", _is_multicast, "udp://GROUP:PORT with a group of 224.0.0.0/4, or nothing for none"),
        ("logoutput", _is_log_output, f"a file, -, {_SYSLOG}"),
    ):
        found: str | None = getattr(circus, option)
        if found and not is_right(found):
            place = circus.where.get(option)
            problems.add("is not valid", place, section="circus", option=option, found=found, legal=legal)


def _is_multicast(text: str) -> bool:
    scheme, separator, rest = text.partition("://")
    host, colon, port = rest.rpartition(":")
    try:
        is_group = ipaddress.IPv4Address(host).is_multicast
    except ValueError:
        return False
    return scheme == "udp" and bool(separator and colon) and is_group and _is_port(port)


def _is_port(text: str) -> bool:
    return text.isdecimal() and 0 < int(text) <= 65535


def _is_log_output(text: str) -> bool:
    """A file's name of any form, or one of Circus's two forms for syslog."""
    if not text.startswith("syslog:"):
        return True
    # Here, since it takes its time to import, and few stacks log there.
    from logging.handlers import SysLogHandler

    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    is_place = bool(parts.hostname) if not parts.path.strip("/") else not parts.netloc
    facilities = SysLogHandler.facility_names
    return text.startswith("syslog://") and is_place and port != 0 and parts.query.lower() in ("", *facilities)


def _endpoint_mistake(text: str, *, has_keys: bool) -> tuple[str, str]:
    legal = "tcp://127.0.0.1:PORT or ipc://PATH"
    if not text:
        return "", ""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("tcp", "ipc") or not rest:
        return "is not an endpoint", legal
    if scheme == "ipc":
        if rest.startswith("@"):
            return ABSTRACT, legal
        size = len(rest.encode())
        return (f"is {size} bytes long", f"at most {UNIX_PATH_BYTES} bytes") if size > UNIX_PATH_BYTES else ("", "")
    host, colon, port = rest.rpartition(":")
    if not colon or not _is_port(port):
        return "is not an endpoint", legal
    if not has_keys and not is_loopback(host.strip("[]")):
        return "would be open to every machine of the network, since there are no keys", f"{legal}; or {_WITH_KEYS}"
    return "", ""
