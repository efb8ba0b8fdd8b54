"""What watchers say about sockets, and sockets about each other. Pure; mistakes only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from circus_stack.config.check_watcher import place_of, title_of
from circus_stack.config.expand import sockets_in, variables_in
from circus_stack.config.listen import UNIX_PATH_BYTES, is_loopback
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.schema import SocketConfig, WatcherConfig
from circus_stack.config.values import HealthScope, Location, Readiness, ReadinessForm

_STREAM, _DATAGRAM, _PACKETS = "SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET"
# Options that say something about a unix socket's file, and those that say something about a network.
_OF_FILES = ("replace", "umask", "owner", "group", "mode")
_OF_NETWORKS = ("interface",)
_WILDCARDS = frozenset({"0.0.0.0", "::", ""})


def check_sockets(sockets: tuple[SocketConfig, ...], problems: Problems) -> None:
    """Paths that are too long; ports and paths that two sockets ask for."""
    # Only sockets of one port, or of one path, can be in each other's way.
    neighbours: dict[str | int, list[SocketConfig]] = {}
    for socket in sockets:
        _check_path(socket, problems)
        _check_type(socket, problems)
        _warn_idle(socket, problems)
        earlier = neighbours.setdefault(socket.port if socket.path is None else socket.path, [])
        other = None if socket.path is None and socket.port == 0 else _first_in_the_way(socket, earlier)
        if other is not None:
            what = f"the path {socket.path}" if socket.path else f"port {socket.port}"
            where = _place(socket, "path" if socket.path else "port")
            problems.add(f"{what} is taken by [socket:{other.name}]", where, section=f"socket:{socket.name}")
        earlier.append(socket)


def _first_in_the_way(socket: SocketConfig, earlier: Iterable[SocketConfig]) -> SocketConfig | None:
    return next((each for each in earlier if _collide(each, socket)), None)


def check_use_of_sockets(watcher: WatcherConfig, known: Mapping[str, SocketConfig], problems: Problems) -> None:
    """Names of sockets that don't exist or aren't inherited, and a readiness that such a socket would fake. `known` are
    the sockets by their names in lower case."""
    texts = {"cmd": watcher.cmd, "args": watcher.args, **{f"env {key}": text for key, text in watcher.env.items()}}
    used: dict[str, SocketConfig] = {}
    for option, text in texts.items():
        for name in sockets_in(text):
            if name in known:
                used[name] = known[name]
            else:
                _refuse_socket(name, option, watcher, list(known), problems)
    if used and not watcher.use_sockets:
        problems.add(
            "uses a socket that the process does not inherit",
            place_of(watcher, "use_sockets"),
            section=title_of(watcher),
            option="use_sockets",
            legal="True",
        )
    if watcher.stdin_socket is not None and watcher.stdin_socket.lower() not in known:
        _refuse_socket(watcher.stdin_socket, "stdin_socket", watcher, list(known), problems)
    offered = watcher.listen_fds if isinstance(watcher.listen_fds, tuple) else ()
    for name in offered:
        if name.lower() in known:
            used[name.lower()] = known[name.lower()]
        else:
            _refuse_socket(name, "listen_fds", watcher, list(known), problems)
    if watcher.use_sockets:
        _warn_nothing_offered(watcher, used, known, problems)
        inherited = tuple(used.values() or known.values())
        _check_readiness(watcher, inherited, problems)
        _check_health(watcher, inherited, problems)
    if watcher.on_demand and not (watcher.stdin_socket or (watcher.use_sockets and known)):
        problems.add(
            "waits for a socket to be touched, and the watcher has none",
            place_of(watcher, "on_demand"),
            section=title_of(watcher),
            option="on_demand",
            legal="use_sockets = True with a section [socket:NAME], or stdin_socket = NAME",
        )


def _warn_nothing_offered(
    watcher: WatcherConfig, used: Mapping[str, object], known: Mapping[str, SocketConfig], problems: Problems
) -> None:
    if watcher.listen_fds and not used and all(each.so_reuseport for each in known.values()):
        problems.warn(
            "offers nothing: a so_reuseport socket is offered only where it is named",
            place_of(watcher, "listen_fds"),
            section=title_of(watcher),
            option="listen_fds",
            legal="listen_fds = NAME",
        )


def _place(socket: SocketConfig, option: str) -> Location:
    return socket.where.get(option) or socket.where.get("", Location())


def _refuse_socket(name: str, option: str, watcher: WatcherConfig, known: list[str], problems: Problems) -> None:
    problems.add(
        f"there is no socket named {name!r}",
        place_of(watcher, option.partition(" ")[0]),
        section=title_of(watcher),
        option=option,
        legal=", ".join(known) or f"a section [socket:{name}]",
        nearest=nearest(name, known),
    )


def _check_readiness(watcher: WatcherConfig, sockets: tuple[SocketConfig, ...], problems: Problems) -> None:
    for socket in sockets:
        if _reaches(watcher.ready, socket):
            problems.add(
                f"probes the watcher's own socket {socket.name!r}, which the arbiter holds open: its queue or an older "
                "process would answer in place of the new one",
                place_of(watcher, "ready"),
                section=title_of(watcher),
                option="ready",
                found=str(watcher.ready),
                legal="notify, exec:CMD or delay:SECONDS",
            )


def _check_health(watcher: WatcherConfig, sockets: tuple[SocketConfig, ...], problems: Problems) -> None:
    """An HTTP answer through the watcher's own socket judges the watcher: somebody has served it. A connection doesn't,
    since the kernel accepts it for a queue that nobody may look at."""
    health, is_of_one = watcher.health, watcher.health_scope is HealthScope.PROCESS
    if health.form is ReadinessForm.HTTP and not is_of_one:
        return
    for socket in sockets:
        if _reaches(health, socket):
            problems.add(
                f"asks the watcher's own socket {socket.name!r}, where "
                + ("any of its processes may answer" if is_of_one else "the kernel connects though nobody serves"),
                place_of(watcher, "health"),
                section=title_of(watcher),
                option="health",
                found=str(health),
                legal="exec:CMD" if is_of_one else "http:URL or exec:CMD",
            )


def _reaches(probe: Readiness, socket: SocketConfig) -> bool:
    """Whether a probe of that target connects to a socket of the arbiter."""
    target = _probed(probe)
    if target is None or socket.type != _STREAM or socket.path is not None:
        return False
    return socket.port == target[1] and _meets(socket.host, target[0])


def _probed(ready: Readiness) -> tuple[str, int] | None:
    """Host and port that a probe connects to; None where it doesn't, or where each process has its own."""
    if ready.form is ReadinessForm.TCP:
        host, _, port = ready.target.rpartition(":")
        if variables_in(ready.target):
            return None
        return host.strip("[]"), int(port)
    if ready.form is ReadinessForm.HTTP:
        parts = urlsplit(ready.target)
        if variables_in(parts.netloc):
            return None
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    return None


def _meets(bound: str, probed: str) -> bool:
    """Whether a probe of one host can arrive at a socket that is bound to the other."""
    if bound in _WILDCARDS or probed in _WILDCARDS:
        return True
    return bound.lower() == probed.lower() or (is_loopback(bound) and is_loopback(probed))


def _check_path(socket: SocketConfig, problems: Problems) -> None:
    size = len((socket.path or "").encode())
    if size > UNIX_PATH_BYTES:
        problems.add(
            f"is {size} bytes long",
            _place(socket, "path"),
            section=f"socket:{socket.name}",
            option="path",
            found=socket.path,
            legal=f"at most {UNIX_PATH_BYTES} bytes",
        )


def _check_type(socket: SocketConfig, problems: Problems) -> None:
    section = f"socket:{socket.name}"
    is_unix = socket.path is not None
    if socket.family == "AF_UNIX" and not is_unix:
        problems.add("needs a path", _place(socket, "family"), section=section, option="family", legal="path = PATH")
    if socket.type == _PACKETS and not is_unix:
        where = _place(socket, "type")
        problems.add(
            "exists for unix sockets only",
            where,
            section=section,
            option="type",
            found=socket.type,
            legal="path = PATH",
        )
    if socket.so_reuseport and is_unix:
        where = _place(socket, "so_reuseport")
        problems.add(
            "exists for TCP and UDP only; a unix socket cannot be divided",
            where,
            section=section,
            option="so_reuseport",
            legal="host and port, or False",
        )


def _warn_idle(socket: SocketConfig, problems: Problems) -> None:
    """What the other kind of socket has no use for."""
    idle, kind = (_OF_FILES, "TCP or UDP") if socket.path is None else (_OF_NETWORKS, "a unix socket")
    for option in idle:
        if getattr(socket, option) not in (None, False):
            message = f"has no effect: the socket is {kind}"
            problems.warn(message, _place(socket, option), section=f"socket:{socket.name}", option=option)


def _collide(one: SocketConfig, other: SocketConfig) -> bool:
    if (one.so_reuseport and other.so_reuseport) or (one.type == _DATAGRAM) is not (other.type == _DATAGRAM):
        # Several may share a port then; and a port of TCP is none of UDP.
        return False
    if one.path is not None:
        return True
    if one.family != other.family:
        return False
    return bool(_WILDCARDS & {one.host, other.host}) or _numeric(one.host) == _numeric(other.host)


def _numeric(host: str) -> str:
    return "127.0.0.1" if host.lower() == "localhost" else host.lower()
