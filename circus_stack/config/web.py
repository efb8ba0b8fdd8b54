"""The watcher `web`, its sockets and its record: what a server section, flags and environment come to. Pure."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from circus_stack.config.backend_choice import choose_backend
from circus_stack.config.convert import Converted, convert, refuse_unknown
from circus_stack.config.document import Entry, Section
from circus_stack.config.foreign import Translation
from circus_stack.config.installed import Installed
from circus_stack.config.listen import Address
from circus_stack.config.option import spellings
from circus_stack.config.overrides import Overrides, read_workers
from circus_stack.config.parts import WEB, Parts
from circus_stack.config.problems import Problems
from circus_stack.config.scale_kinds import COUNT, RANGE, with_range_apart
from circus_stack.config.schema import SocketConfig, WatcherConfig, WebConfig
from circus_stack.config.server_schema import ServerConfig
from circus_stack.config.socket_section import normalise
from circus_stack.config.values import Location, Readiness, ReadinessForm
from circus_stack.config.watcher_section import convert_watcher, watcher_record
from circus_stack.config.web_addresses import decide_addresses
from circus_stack.config.web_layers import layer_flags
from circus_stack.config.web_tls import tls_flags

# Options of the server section that the worker knows by the same name.
_LIMITS = (
    "max_request_line",
    "max_headers",
    "max_head_size",
    "max_body_size",
    "head_timeout",
    "body_timeout",
    "send_timeout",
    "keepalive_timeout",
)
_RENAMED = {"uid": "user", "gid": "group"}
_GRACEFUL_S = 30.0
_KEEPALIVE_DRAIN_S = 1.0
# waitress's own number; wsgiref, where it stands in for it, would serve one request at a time otherwise.
_STAND_IN_THREADS = 4


class WebInput(Struct, frozen=True):
    """All that decides. `app` is in chaussette's form; `cpu_count` answers `workers = auto`."""

    app: str
    variables: Mapping[str, str]
    overrides: Overrides
    environ: Mapping[str, str]
    installed: Installed
    cpu_count: Callable[[], int]
    watch_files: tuple[str, ...] = ()


class Web(Struct, frozen=True):
    """What is added to the stack."""

    config: WebConfig
    sockets: tuple[SocketConfig, ...]
    watcher: WatcherConfig


def read_server_config(translation: Translation, problems: Problems) -> ServerConfig:
    """The server section's options, converted; an unknown one is a mistake."""

    def refuse(entry: Any) -> None:
        refuse_unknown(entry, translation.section, spellings(ServerConfig), problems)

    found = convert(ServerConfig, _without_range(translation, problems), translation.section, problems, refuse)
    if "port" in found.refused:
        # As for a socket: the default in its place would collide with one that is right.
        found.values["port"] = 0
    return ServerConfig(where=found.where, **found.values)


def _without_range(translation: Translation, problems: Problems) -> list[Entry]:
    """`workers = 2..16`: the server's number is the lower one, the range is the watcher's."""
    entries = list(translation.server)
    for key in ("workers", COUNT):
        entries = list(with_range_apart(entries, translation.section, problems, key))
    translation.watcher += [each for each in entries if each.key == RANGE]
    return [each for each in entries if each.key != RANGE]


def build_web(server: ServerConfig, translation: Translation, parts: Parts, given: WebInput) -> Web:
    """Everything at once; mistakes go to the problems of `parts.scope`."""
    problems = parts.scope.problems
    addresses = decide_addresses(server, translation, given.overrides, given.environ, problems)
    sockets = _sockets(addresses, server, translation)
    laid_over = _overlay(translation, parts)
    backend = choose_backend(server, translation, given.overrides.backend, given.installed, problems)
    if backend not in ([server.backend] if server.backend else translation.backends):
        # A limit of greenlets is none of another server's threads.
        server = dataclasses.replace(server, spawn=None)
    config = WebConfig(
        app=given.app,
        backend=backend,
        workers=_workers(server, laid_over, given, problems),
        threads=_threads(server, translation, backend, given),
        preload=_preload(server, translation, given, problems),
        watch_files=(*given.watch_files, *server.watch_files),
    )
    more = tls_flags(server, backend, translation.section, problems)
    more |= layer_flags(server, backend, translation.section, problems)
    return Web(config, sockets, _watcher(config, server, sockets, laid_over, parts, given, more))


def _sockets(
    addresses: tuple[Address, ...], server: ServerConfig, translation: Translation
) -> tuple[SocketConfig, ...]:
    found = []
    for number, address in enumerate(addresses, start=1):
        values: dict[str, Any] = {"name": WEB if number == 1 else f"{WEB}{number}"}
        if address.path is None:
            values.update(host=address.host, port=address.port)
        else:
            values.update(path=address.path, mode=server.unix_socket_perms)
        if server.backlog is not None:
            values.update(backlog=server.backlog)
        found.append(normalise(SocketConfig(where={"": _place(address, translation)}, **values)))
    return tuple(found)


def _place(address: Address, translation: Translation) -> Location:
    return address.where if address.where.file else translation.where


def _overlay(translation: Translation, parts: Parts) -> Converted:
    """What gunicorn's chdir and the like set, and [watcher:web] over it."""
    section = Section(translation.section, translation.where, tuple(translation.watcher))
    result = convert_watcher(section, WEB, parts.scope)
    if parts.web is not None:
        env = {**result.values.get("env", {}), **parts.web.values.get("env", {})}
        result.values.update(parts.web.values)
        result.where.update(parts.web.where)
        if env:
            result.values["env"] = env
    return result


def _workers(server: ServerConfig, laid_over: Converted, given: WebInput, problems: Problems) -> int:
    asked = read_workers(given.overrides, given.environ, problems)
    if asked is not None and laid_over.values.pop(RANGE, None) is not None:
        reason = "has no effect: --workers or WEB_CONCURRENCY says how many workers there are"
        problems.warn(reason, laid_over.where[RANGE], section=f"watcher:{WEB}", option=RANGE)
    if asked is None:
        in_file: int | None = laid_over.values.get("numprocesses", server.workers)
        if "numprocesses" in laid_over.values:
            return in_file or 0
        asked = in_file
    if asked is None:
        return 1
    return asked or max(1, given.cpu_count())


def _threads(server: ServerConfig, translation: Translation, backend: str, given: WebInput) -> int | None:
    if given.overrides.threads is not None:
        return given.overrides.threads
    is_other_server = backend not in translation.backends
    if server.threads is not None and not (is_other_server and "threads" in translation.defaulted):
        return server.threads
    chosen_by_us = server.backend is None and given.overrides.backend is None
    return _STAND_IN_THREADS if backend == "wsgiref" and chosen_by_us and "waitress" in translation.backends else None


def _preload(server: ServerConfig, translation: Translation, given: WebInput, problems: Problems) -> bool:
    preload = server.preload if given.overrides.preload is None else given.overrides.preload
    if not preload:
        for option in ("before_fork", "after_fork"):
            if getattr(server, option):
                reason = "has no effect: without preload nothing is forked"
                problems.warn(reason, server.where.get(option), section=translation.section, option=option)
    return preload


def _watcher(
    config: WebConfig,
    server: ServerConfig,
    sockets: tuple[SocketConfig, ...],
    laid_over: Converted,
    parts: Parts,
    given: WebInput,
    more: Mapping[str, str],
) -> WatcherConfig:
    values: dict[str, Any] = {
        "use_sockets": True,
        "ready": Readiness(ReadinessForm.NOTIFY),
        "depends_on": tuple(service.name for service in parts.services),
        "graceful_timeout": _GRACEFUL_S if server.graceful_timeout is None else server.graceful_timeout,
    }
    if server.ready_timeout is not None:
        values["ready_timeout"] = server.ready_timeout
    if config.preload:
        values["preload"] = True
    if server.hang_timeout is not None:
        values["hang_timeout"] = server.hang_timeout
    if server.max_requests is not None:
        values["max_requests"] = server.max_requests
    if server.max_requests_jitter is not None:
        values["max_requests_jitter"] = server.max_requests_jitter
    if server.user:
        values["uid"] = server.user
    if server.group:
        values["gid"] = server.group
    if "chaussette" not in laid_over.values.get("cmd", "chaussette"):
        # Another program would be waited for in vain.
        values["ready"] = Readiness()
    values.update(laid_over.values)
    values["numprocesses"] = config.workers
    values.setdefault("cmd", _command(config, server, sockets, values["graceful_timeout"], given, more))
    # A watcher's names for what the server section calls otherwise, so that a mistake is told with its line.
    renamed = {ours: server.where[theirs] for ours, theirs in _RENAMED.items() if theirs in server.where}
    where = {**server.where, **renamed, **laid_over.where}
    place = parts.web_where if parts.web is not None else where.get("", Location(given.app))
    return watcher_record(WEB, place, Converted(values, where), parts.scope.dialect)


def _command(
    config: WebConfig,
    server: ServerConfig,
    sockets: tuple[SocketConfig, ...],
    graceful_s: float,
    given: WebInput,
    more: Mapping[str, str],
) -> str:
    words = [shlex.quote(sys.executable), "-m", "chaussette"]
    for socket in sockets:
        words += ["--fd", f"$(circus.sockets.{socket.name})"]
    words += ["--backend", config.backend]
    # The worker gives up its requests a little before the arbiter kills it, so that it can say how many.
    worker_s = graceful_s - min(1.0, graceful_s / 10)
    drain_s = _KEEPALIVE_DRAIN_S if server.keepalive_drain is None else server.keepalive_drain
    flags: dict[str, object] = {
        "--threads": config.threads,
        "--spawn": server.spawn,
        "--graceful-timeout": f"{worker_s:g}",
        "--keepalive-drain": f"{drain_s:g}",
        "--server-header": server.server_header,
        "--python-path": server.python_path,
        "--pre-hook": server.pre_hook,
        "--post-hook": server.post_hook,
        "--before-fork": server.before_fork if config.preload else None,
        "--after-fork": server.after_fork if config.preload else None,
        "--log-level": given.overrides.log_level or server.log_level,
        "--log-output": server.log_output,
        **{f"--{name.replace('_', '-')}": getattr(server, name) for name in _LIMITS},
        **more,
    }
    for flag, value in flags.items():
        if value is not None:
            words += [flag, shlex.quote(str(value))]
    if not server.exclusive:
        words.append("--no-exclusive")
    if not server.monkey:
        words.append("--no-monkey")
    if server.multiprocess is not None:
        words.append("--multiprocess" if server.multiprocess else "--no-multiprocess")
    for path in server.warmup:
        words += ["--warmup", shlex.quote(path)]
    for name, text in given.variables.items():
        words += ["--paste-var", shlex.quote(f"{name}={text}")]
    return " ".join([*words, shlex.quote(given.app)])
