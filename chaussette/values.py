"""Turns the text of one option into its value, or says what would be legal. ValueError holds the message."""

from __future__ import annotations

import re

from chaussette.layers.proxy_headers import FORWARDED, HEADERS

LOG_LEVELS = ("critical", "error", "warning", "info", "debug")
TRUE_WORDS = ("true", "yes", "on", "1")
COMBINED = "combined"
FALSE_WORDS = ("false", "no", "off", "0")


def text(value: str) -> str:
    """Any text."""
    return value


def whole_number(value: str) -> int:
    """A number of 0 or more."""
    if not value.strip().isdecimal():
        raise ValueError(f"{value!r} is not a whole number of 0 or more")
    return int(value)


def count(value: str) -> int:
    """A number of 1 or more."""
    number = whole_number(value)
    if number < 1:
        raise ValueError(f"{value!r}: at least 1 is needed")
    return number


def port(value: str) -> int:
    """A TCP port; 0 lets the kernel choose."""
    if not value.strip().isdecimal() or int(value) > 65535:
        raise ValueError(f"{value!r} is not a port: a number from 0 to 65535 is needed")
    return int(value)


def seconds(value: str) -> float:
    """A duration in seconds, 0 or more, with a fraction if need be."""
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ValueError(f"{value!r} is not a number of seconds, as 30 or 0.5")
    return number


def flag(value: str) -> bool:
    """A yes or no, as PasteDeploy reads it."""
    word = value.strip().lower()
    if word not in TRUE_WORDS + FALSE_WORDS:
        raise ValueError(f"{value!r} is neither true nor false")
    return word in TRUE_WORDS


def log_level(value: str) -> str:
    """The name of a log level, in either case."""
    return one_of(value.strip().lower(), LOG_LEVELS)


def address_family(value: str) -> str:
    """The family of a socket that is bound here; an inherited one tells its own."""
    return one_of(value.strip().upper(), ("AF_INET", "AF_INET6", "AF_UNIX"))


def socket_type(value: str) -> str:
    """The type of a socket: only streams can carry HTTP."""
    return one_of(value.strip().upper(), ("SOCK_STREAM",))


def cert_reqs(value: str) -> str:
    """Whether a client needs a certificate: a word, or the number that Python's ssl and gunicorn have for it."""
    word = value.strip().lower().removeprefix("cert_")
    return one_of({"0": "none", "1": "optional", "2": "required"}.get(word, word), ("none", "optional", "required"))


def variable(value: str) -> tuple[str, str]:
    """NAME=VALUE."""
    name, equals, content = value.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"{value!r} is not of the form NAME=VALUE")
    return name.strip(), content.strip()


def path(value: str) -> str:
    """The path of a request, with its query."""
    if not value.startswith("/") or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"{value!r} is no path of a request: it begins with a slash, odd characters are %XX")
    return value


def networks(value: str) -> str:
    """A list of addresses and networks, with commas or blanks between them."""
    words = value.replace(",", " ").split()
    if words:
        from chaussette.layers.networks import Networks

        Networks(words)
    return ",".join(words)


def proxy_headers(value: str) -> str:
    """A list of headers that proxies set: some of X-Forwarded-*, or Forwarded."""
    words = [one_of(word, HEADERS) for word in value.lower().replace(",", " ").split()]
    if FORWARDED in words and len(words) > 1:
        raise ValueError(f"{value!r}: Forwarded or X-Forwarded-*, not both: a proxy sets one and passes the other on")
    return ",".join(words)


def log_format(value: str) -> str:
    """How a line of the access log looks."""
    # argparse reads defaults, too, and most workers keep no log.
    if value != COMBINED:
        from chaussette.layers.access_format import line_of

        line_of(value)
    return value


def url_path(value: str) -> str:
    """A path of this server, or nothing."""
    if value and not re.fullmatch(r"/[!-~]*", value):
        raise ValueError(f"{value!r} is no path: it begins with / and has no blanks")
    return value


def one_of(word: str, legal: tuple[str, ...]) -> str:
    """`word`, if it is legal."""
    if word not in legal:
        raise ValueError(f"{word!r} is not one of {', '.join(legal)}")
    return word
