"""The servers that Paste files name, and what of theirs is honoured. Data, and the look-up in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from circus_stack.config.foreign import NO, THREADED, YES, Foreign

if TYPE_CHECKING:
    from circus_stack.config.paste_context import Reference

_TLS = "TLS ends at a proxy in front"
_PROXY = "trusted_proxies, under use = egg:circus-stack, takes it from a proxy"
_LIMIT = "the backend's own limit holds"

_ADDRESS = {"host": "host", "port": "port"}

WAITRESS = Foreign(
    "waitress",
    keys={
        **_ADDRESS,
        "listen": "listen",
        "unix_socket": "unix_socket",
        "unix_socket_perms": "unix_socket_perms",
        "threads": "threads",
        "backlog": "backlog",
        "ident": "server_header",
    },
    defaults={"host": "0.0.0.0", "port": "8080", "threads": "4"},
    reasons={
        "trusted_proxy": _PROXY,
        "trusted_proxy_count": _PROXY,
        "trusted_proxy_headers": _PROXY,
        "clear_untrusted_proxy_headers": _PROXY,
        "log_untrusted_proxy_headers": _PROXY,
        "url_scheme": _PROXY,
        "url_prefix": _PROXY,
        "connection_limit": _LIMIT,
        "channel_timeout": _LIMIT,
        "cleanup_interval": _LIMIT,
        "max_request_header_size": _LIMIT,
        "max_request_body_size": _LIMIT,
        "sockets": "the arbiter opens the sockets",
        "ipv4": "the family follows from the address",
        "ipv6": "the family follows from the address",
    },
    met={"ipv4": YES, "ipv6": YES, "expose_tracebacks": NO, "url_scheme": ("http",), "url_prefix": ("",)},
)

PASTE_HTTP = Foreign(
    "Paste#http",
    keys={**_ADDRESS, "threadpool_workers": "threads", "request_queue_size": "backlog"},
    defaults={"host": "127.0.0.1", "port": "8080", "threads": "10"},
    reasons={
        "use_threadpool": "the backend always has a pool of threads",
        "ssl_pem": _TLS,
        "ssl_context": _TLS,
        "threadpool_kill_thread_limit": "hung threads are not killed one by one",
        "threadpool_hung_thread_limit": "hung threads are not killed one by one",
    },
    met={"use_threadpool": YES, "daemon_threads": NO},
)

CHERRYPY = Foreign(
    "CherryPy",
    keys={**_ADDRESS, "numthreads": "threads", "request_queue_size": "backlog", "shutdown_timeout": "graceful_timeout"},
    defaults={"host": "127.0.0.1", "port": "8080", "threads": "10"},
    reasons={"ssl_pem": _TLS, "timeout": _LIMIT, "max": _LIMIT},
)

WSGIREF = Foreign("wsgiref", keys=_ADDRESS, defaults={"host": "0.0.0.0", "port": "8080"}, backends=("wsgiref",))

CHAUSSETTE = Foreign(
    "chaussette",
    keys={
        **_ADDRESS,
        "backlog": "backlog",
        "backend": "backend",
        "log_level": "log_level",
        "log_output": "log_output",
        "pre_hook": "pre_hook",
        "post_hook": "post_hook",
    },
    defaults={"host": "127.0.0.1", "port": "8080"},
    backends=("wsgiref",),
    reasons={
        "address_family": "the family follows from the address",
        "socket_type": "the socket is a SOCK_STREAM",
    },
    met={"socket_type": ("sock_stream",)},
)

MEINHELD = Foreign("meinheld", keys=_ADDRESS, defaults={"host": "0.0.0.0", "port": "8000"}, backends=("meinheld",))
GEVENT = Foreign(
    "gevent",
    keys={**_ADDRESS, "spawn": "spawn", "backlog": "backlog"},
    defaults={"host": "127.0.0.1", "port": "8080"},
    backends=("gevent",),
)
BJOERN = Foreign(
    "bjoern", keys=_ADDRESS, defaults={"host": "127.0.0.1", "port": "8080"}, backends=("bjoern", *THREADED)
)
UWSGI = Foreign(
    "uWSGI",
    keys={
        **_ADDRESS,
        "http-socket": "listen",
        "http": "listen",
        "processes": "workers",
        "workers": "workers",
        "threads": "threads",
        "listen": "backlog",
        "max-requests": "max_requests",
        "uid": "user",
        "gid": "group",
        "chdir": "watcher.working_dir",
        "pidfile": "circus.pidfile",
    },
    defaults={"host": "127.0.0.1", "port": "8080"},
    reasons={"socket": "the workers speak HTTP, not the uwsgi protocol", "harakiri": "hung requests are not killed"},
)
# A server that no table knows: the names that nearly all of them share.
UNKNOWN = Foreign(
    "",
    keys={**_ADDRESS, "listen": "listen", "bind": "listen", "workers": "workers", "threads": "threads"},
    defaults={"host": "127.0.0.1", "port": "8080"},
)

# (distribution, entry point; empty: any) -> server. The first that fits counts.
_BY_NAME: tuple[tuple[str, str, Foreign], ...] = (
    ("waitress", "", WAITRESS),
    ("paste", "", PASTE_HTTP),
    ("pastescript", "cherrypy", CHERRYPY),
    ("pastescript", "", PASTE_HTTP),
    ("pyramid", "cherrypy", CHERRYPY),
    ("pyramid", "wsgiref", WSGIREF),
    ("cherrypy", "", CHERRYPY),
    ("cheroot", "", CHERRYPY),
    ("chaussette", "", CHAUSSETTE),
    ("meinheld", "", MEINHELD),
    ("gevent", "", GEVENT),
    ("bjoern", "", BJOERN),
    ("uwsgi", "", UWSGI),
)

# Names of Chaussette's and gunicorn's workers that are no backend here -> the nearest that is.
_OLD_BACKENDS = {
    "geventwebsocket": "gevent",
    "geventws4py": "gevent",
    "socketio": "gevent",
    "eventlet": "gevent",
    "tornado": "waitress",
    "bjoern": "waitress",
}


def normalised(distribution: str) -> str:
    """The name of a distribution as packaging tools compare it."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


def find_foreign(reference: Reference) -> Foreign | None:
    """The table of the server that a section's `use` names; None for one that no table knows."""
    if reference.scheme != "egg":
        return None
    distribution = normalised(reference.target)
    for name, entry_point, foreign in _BY_NAME:
        if distribution == name and entry_point in ("", reference.name):
            return foreign
    return None


def nearest_backend(name: str, known: tuple[str, ...]) -> str | None:
    """`name` itself where it is a backend, else what an older name stands for, else None."""
    if name in known:
        return name
    stand_in = _OLD_BACKENDS.get(name)
    return stand_in if stand_in in known else None
