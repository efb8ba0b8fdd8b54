"""gunicorn's server hooks, and what of ours comes nearest. Data only."""

from __future__ import annotations

_WATCHER = "hooks.{} of [watcher:web] names a callable, docs/hooks.md; it gets other arguments"
_WORKER = "{} in [server:main] names a callable that each worker runs, docs/backends.md; it gets other arguments"
_APPLICATION = "a middleware of the application sees each request"
_NONE = "there is no such moment here"

HOOKS = {
    "on_starting": _WATCHER.format("before_start"),
    "when_ready": _WATCHER.format("after_start"),
    "on_reload": _NONE,
    "on_exit": _WATCHER.format("after_stop"),
    "pre_fork": _WATCHER.format("before_spawn"),
    "post_fork": _WORKER.format("pre_hook"),
    "post_worker_init": _WORKER.format("pre_hook"),
    "worker_int": _WORKER.format("post_hook"),
    "worker_abort": _NONE,
    "worker_exit": _WORKER.format("post_hook"),
    "child_exit": _WATCHER.format("after_reap"),
    "nworkers_changed": _NONE,
    "pre_exec": _NONE,
    "pre_request": _APPLICATION,
    "post_request": _APPLICATION,
    "ssl_context": "TLS ends at a proxy in front",
}
