"""Where the page of metrics may be, and who may read it: what leaves this machine needs a token. Pure."""

from __future__ import annotations

from circus_stack.config.installed import Installed
from circus_stack.config.listen import is_loopback, parse_address
from circus_stack.config.problems import Problems
from circus_stack.config.schema import CircusConfig

_LEGAL = "HOST:PORT, as 127.0.0.1:9125"
_LIBRARY = "prometheus_client"


def check_metrics(circus: CircusConfig, problems: Problems) -> None:
    """The address, the token that it needs elsewhere than on loopback, and the program and library that serve it."""
    if not circus.metrics:
        if circus.metrics_token_file:
            _add(circus, problems, "metrics_token_file", "does nothing without metrics", f"metrics = {_LEGAL}")
        return
    try:
        address = parse_address(circus.metrics, "127.0.0.1", 0)
    except ValueError:
        _add(circus, problems, "metrics", "is no address", _LEGAL)
        return
    if address.path is not None or not address.port:
        _add(circus, problems, "metrics", "is no host with a port", _LEGAL)
    elif not is_loopback(address.host) and not circus.metrics_token_file:
        legal = f"{_LEGAL}; or name a file with a token that scrapers must show: metrics_token_file = FILE"
        _add(circus, problems, "metrics", "would be open to every machine of the network", legal)
    if not circus.statsd:
        _add(circus, problems, "metrics", "is served by circusd-stats, and statsd is off", "statsd = true")
    if not Installed().has_module(_LIBRARY):
        _add(circus, problems, "metrics", "needs a library", "pip install 'circus-stack[metrics]'")


def _add(circus: CircusConfig, problems: Problems, option: str, message: str, legal: str) -> None:
    found: str | None = getattr(circus, option)
    problems.add(message, circus.where.get(option), section="circus", option=option, found=found, legal=legal)
