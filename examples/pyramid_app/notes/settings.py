"""Where the services are: options of the ini and of the environment, checked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"
REDIS_SCHEMES = ("redis", "rediss", "unix")
SOLR_SCHEMES = ("http", "https")


class Settings(NamedTuple):
    """`redis_url` as redis-py reads it; `solr_url` of one collection, empty where no search service runs."""

    redis_url: str
    solr_url: str


def read_settings(options: Mapping[str, str], environ: Mapping[str, str]) -> Settings:
    """The services that `environ` or else the ini's `options` name; ValueError says which one is wrong."""
    return Settings(
        redis_url=_url("REDIS_URL", "redis.url", REDIS_SCHEMES, options, environ) or DEFAULT_REDIS_URL,
        solr_url=_url("SOLR_URL", "solr.url", SOLR_SCHEMES, options, environ).rstrip("/"),
    )


def _url(
    variable: str,
    option: str,
    schemes: tuple[str, ...],
    options: Mapping[str, str],
    environ: Mapping[str, str],
) -> str:
    place = f"environment variable {variable}" if environ.get(variable) else f"option {option}"
    url = (environ.get(variable) or options.get(option) or "").strip()
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme not in schemes or not (parts.path if parts.scheme == "unix" else parts.hostname):
        legal = ", ".join(f"{scheme}://..." for scheme in schemes)
        raise ValueError(f"{place}: {_without_password(url)!r} is not a URL of the form {legal}")
    return url


def _without_password(url: str) -> str:
    """`url` for a message: what stands between the scheme and the host may be a secret."""
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://...@{tail}" if at else url
