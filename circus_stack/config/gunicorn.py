"""gunicorn's server section: its worker class decides the backend. Pure."""

from __future__ import annotations

from msgspec import structs

from circus_stack.config.document import Entry, Section
from circus_stack.config.foreign import NO, THREADED, Foreign, Translation, fill_defaults, translate
from circus_stack.config.problems import Problems
from circus_stack.config.web_tls import PLAIN

_NO_TLS = "without certfile there is no https"
_HTTPS = {name: name for name in ("certfile", "keyfile", "ca_certs", "cert_reqs", "ciphers")}
# Python's numbers, as gunicorn takes them.
_CERT_REQS = {"0": "none", "1": "optional", "2": "required"}

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
        "timeout": "hang_timeout",
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
        "keepalive": "the backend's own limit holds",
        "daemon": "give --daemon to circus-stack serve",
        "reload": "give --reload to circus-stack serve",
        "accesslog": "[server:main] access_log does that",
        "access_log_format": "[server:main] access_log_format does that, with other fields",
        "errorlog": "workers log to stderr; [watcher:web] stderr_stream.filename names a file",
        "keyfile": _NO_TLS,
        "ca_certs": _NO_TLS,
        "cert_reqs": _NO_TLS,
        "ciphers": _NO_TLS,
        "ssl_version": "the versions are those of Python's ssl.create_default_context",
        "forwarded_allow_ips": "[server:main] trusted_proxies does that",
        "proxy_protocol": "that protocol is not spoken",
        "secure_scheme_headers": "[server:main] trusted_proxies does that",
        "tmp_upload_dir": "it is a setting of the application",
        "paste": "this file is served",
    },
    met={
        "certfile": ("",),
        "cert_reqs": ("none",),
        "daemon": NO,
        "reload": NO,
        "proxy_protocol": NO,
        "reuse_port": NO,
    },
)

# What is read of gunicorn's, honoured or with a reason why not.
KNOWN = frozenset({*GUNICORN.keys, *GUNICORN.reasons, *_HTTPS, "worker_class"})

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
    wanted = THREADED if worker_class is None else _backends(worker_class, section.title, problems)
    certfile = next((entry for entry in rest if entry.key == "certfile" and entry.value.strip()), None)
    backends = wanted if certfile is None else _with_tls(wanted, certfile, section.title, problems)
    result = translate(_table(backends, has_tls=certfile is not None), _spelt(section, rest), problems)
    result.backends = backends
    _tell_of_hangs(result, backends, problems)
    fill_defaults(result, GUNICORN.defaults)
    if wanted is THREADED:
        # A sync worker serves one request at a time, and one thread is gunicorn's default for the threaded one too.
        fill_defaults(result, {"threads": "1"})
    return result


def _table(backends: tuple[str, ...], *, has_tls: bool) -> Foreign:
    """worker_connections bounds the greenlets of one worker; gunicorn itself ignores it elsewhere."""
    keys = {**GUNICORN.keys, **_HTTPS} if has_tls else dict(GUNICORN.keys)
    if "gevent" not in backends:
        del keys["worker_connections"]
    return structs.replace(GUNICORN, keys=keys)


def _spelt(section: Section, entries: tuple[Entry, ...]) -> Section:
    """The section with these entries, and in them our words for Python's numbers."""
    spelt = tuple(
        structs.replace(entry, value=_CERT_REQS.get(entry.value.strip(), entry.value))
        if entry.key == "cert_reqs"
        else entry
        for entry in entries
    )
    return structs.replace(section, entries=spelt)


def _with_tls(backends: tuple[str, ...], certfile: Entry, title: str, problems: Problems) -> tuple[str, ...]:
    """Those of the backends that serve https themselves, or gevent; told where that is another one than was meant."""
    serving = tuple(name for name in backends if name not in PLAIN) or ("gevent",)
    if backends[0] in PLAIN:
        loss = "; it closes each connection after its response, which gevent does not" if "wsgiref" in serving else ""
        problems.warn(
            f"is honoured by backend {serving[0]}, in the place of {backends[0]}, which serves no https{loss}",
            certfile.where,
            section=title,
            option=certfile.key,
        )
    return serving


def _tell_of_hangs(result: Translation, backends: tuple[str, ...], problems: Problems) -> None:
    """gunicorn's `timeout` is how long a worker may not give a sign of life, and so is `hang_timeout`. A sync worker of
    gunicorn gives none during a request, ours does."""
    entry = next((each for each in result.server if each.key == "hang_timeout"), None)
    if "waitress" in backends and entry is not None and entry.value.strip() not in ("", "0"):
        problems.warn(
            "is hang_timeout here: a worker that hangs is replaced after it, but no single request ends its worker, as "
            "with gunicorn's gthread; the application's own limits, or request_timeout with gevent, end slow requests",
            entry.where,
            section=result.section,
            option="timeout",
        )


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
