"""gunicorn's server section: its worker class decides the backend. Pure."""

from __future__ import annotations

from msgspec import structs

from circus_stack.config.document import Entry, Section
from circus_stack.config.foreign import NO, THREADED, Foreign, Translation, fill_defaults, translate
from circus_stack.config.problems import Problems

_TLS = "TLS ends at a proxy in front"

GUNICORN = Foreign(
    "gunicorn",
    keys={
        "bind": "listen",
        "host": "host",
        "port": "port",
        "backlog": "backlog",
        "workers": "workers",
        "threads": "threads",
        "worker_connections": "spawn",
        "graceful_timeout": "graceful_timeout",
        "max_requests": "max_requests",
        "max_requests_jitter": "max_requests_jitter",
        "preload_app": "preload",
        "preload": "preload",
        "user": "user",
        "group": "group",
        "pythonpath": "python_path",
        "loglevel": "log_level",
        "chdir": "watcher.working_dir",
        "raw_env": "watcher.env",
        "pidfile": "circus.pidfile",
        "proc_name": "circus.name",
        "umask": "circus.umask",
    },
    defaults={"host": "127.0.0.1", "port": "8000", "workers": "1"},
    reasons={
        "config": "the settings of that file are not read",
        "timeout": "hung requests are not killed",
        "keepalive": "the backend's own limit holds",
        "daemon": "give --daemon to circus-stack serve",
        "reload": "give --reload to circus-stack serve",
        "accesslog": "[server:main] access_log does that",
        "access_log_format": "[server:main] access_log_format does that, with other fields",
        "errorlog": "workers log to stderr; [watcher:web] stderr_stream.filename names a file",
        "keyfile": _TLS,
        "certfile": _TLS,
        "ca_certs": _TLS,
        "ssl_version": _TLS,
        "forwarded_allow_ips": "[server:main] trusted_proxies does that",
        "proxy_protocol": "that protocol is not spoken",
        "secure_scheme_headers": "[server:main] trusted_proxies does that",
        "tmp_upload_dir": "it is a setting of the application",
        "paste": "this file is served",
    },
    met={
        "timeout": ("0",),
        "daemon": NO,
        "reload": NO,
        "proxy_protocol": NO,
        "reuse_port": NO,
    },
)

# gunicorn's worker classes, as it and their projects spell them -> backends, in the order of preference.
_CLASSES: dict[str, tuple[str, ...]] = {
    "sync": THREADED,
    "gthread": THREADED,
    "gevent": ("gevent",),
    "gevent_wsgi": ("gevent",),
    "gevent_pywsgi": ("gevent",),
    "ggevent": ("gevent",),
    "eventlet": ("eventlet", "gevent"),
    "tornado": THREADED,
    "gunicorn_worker": ("meinheld",),
    "meinheldworker": ("meinheld",),
    "geventworker": ("gevent",),
    "syncworker": THREADED,
    "threadworker": THREADED,
}


def translate_gunicorn(section: Section, problems: Problems) -> Translation:
    """Our options from gunicorn's section."""
    worker_class = next((entry for entry in section.entries if entry.key in ("worker_class", "k")), None)
    rest = tuple(entry for entry in section.entries if entry is not worker_class)
    backends = THREADED if worker_class is None else _backends(worker_class, section.title, problems)
    result = translate(_table(backends), structs.replace(section, entries=rest), problems)
    result.backends = backends
    fill_defaults(result, GUNICORN.defaults)
    if backends is THREADED:
        # A sync worker serves one request at a time, and one thread is gunicorn's default for the threaded one too.
        fill_defaults(result, {"threads": "1"})
    return result


def _table(backends: tuple[str, ...]) -> Foreign:
    """worker_connections bounds the greenlets of one worker; gunicorn itself ignores it elsewhere."""
    if "gevent" in backends:
        return GUNICORN
    keys = {key: value for key, value in GUNICORN.keys.items() if key != "worker_connections"}
    return structs.replace(GUNICORN, keys=keys)


def _backends(worker_class: Entry, title: str, problems: Problems) -> tuple[str, ...]:
    name = worker_class.value.strip()
    if "uvicorn" in name.lower():
        problems.add(
            "serves ASGI applications; this program serves WSGI",
            worker_class.where,
            section=title,
            option=worker_class.key,
            found=name,
            legal="sync, gthread, gevent",
        )
        return THREADED
    # egg:meinheld#gunicorn_worker, gunicorn.workers.ggevent.GeventWorker, module:Class
    short = name.replace("#", ".").replace(":", ".").rpartition(".")[2].lower()
    if short not in _CLASSES:
        problems.warn(
            "is not known; a threaded backend takes its place",
            worker_class.where,
            section=title,
            option=worker_class.key,
            found=name,
        )
    return _CLASSES.get(short, THREADED)
