"""The layers around an application, as the server section asks for them: flags of the worker. Pure."""

from __future__ import annotations

from circus_stack.config.problems import Problems
from circus_stack.config.server_schema import ServerConfig
from circus_stack.config.values import NOWHERE

# Of the backends that chaussette brings. One that another distribution adds is asked when it starts.
_UNINTERRUPTIBLE = ("wsgiref", "waitress", "meinheld", "bjoern")
_NAMES = (
    "trusted_proxies",
    "trusted_proxy_headers",
    "access_log",
    "access_log_format",
    "request_timeout",
    "health_path",
)


def layer_flags(server: ServerConfig, backend: str, section: str, problems: Problems) -> dict[str, str]:
    """The flags of the layers that are asked for. A limit that the backend cannot keep goes to `problems`."""
    if server.request_timeout and backend in _UNINTERRUPTIBLE:
        problems.add(
            f"is refused: {backend} cannot interrupt a request; choose gevent, fastgevent or eventlet",
            server.where.get("request_timeout", NOWHERE),
            section=section,
            option="request_timeout",
            found=f"{server.request_timeout:g}",
        )
    values = {name: getattr(server, name) for name in _NAMES}
    return {f"--{name.replace('_', '-')}": str(value) for name, value in values.items() if value is not None}
