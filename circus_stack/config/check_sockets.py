"""What watchers say about sockets, and sockets about each other. Pure; mistakes only."""

from __future__ import annotations

from urllib.parse import urlsplit

from circus_stack.config.expand import sockets_in
from circus_stack.config.listen import UNIX_PATH_BYTES, is_loopback
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.schema import SocketConfig, WatcherConfig
from circus_stack.config.values import Location, Readiness, ReadinessForm

_WILDCARDS = frozenset({"0.0.0.0", "::", ""})


def check_sockets(sockets: tuple[SocketConfig, ...], problems: Problems) -> None:
    """Paths that are too long; ports and paths that two sockets ask for."""
    for index, socket in enumerate(sockets):
        _check_path(socket, problems)
        other = next((each for each in sockets[:index] if _collide(each, socket)), None)
        if other is not None:
            what = f"the path {socket.path}" if socket.path else f"port {socket.port}"
            where = _place(socket, "path" if socket.path else "port")
            problems.add(f"{what} is taken by [socket:{other.name}]", where, section=f"socket:{socket.name}")


def check_use_of_sockets(watcher: WatcherConfig, sockets: tuple[SocketConfig, ...], problems: Problems) -> None:
    """Names of sockets that don't exist or aren't inherited, and a readiness that such a socket would fake."""
    known = {socket.name.lower(): socket for socket in sockets}
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
            watcher.where.get("use_sockets") or watcher.where.get("", Location()),
            section=f"watcher:{watcher.name}",
            option="use_sockets",
            legal="True",
        )
    if watcher.use_sockets:
        _check_readiness(watcher, tuple(used.values()) or sockets, problems)


def _place(socket: SocketConfig, option: str) -> Location:
    return socket.where.get(option) or socket.where.get("", Location())


def _refuse_socket(name: str, option: str, watcher: WatcherConfig, known: list[str], problems: Problems) -> None:
    problems.add(
        f"there is no socket named {name!r}",
        watcher.where.get(option.partition(" ")[0]) or watcher.where.get("", Location()),
        section=f"watcher:{watcher.name}",
        option=option,
        legal=", ".join(known) or f"a section [socket:{name}]",
        nearest=nearest(name, known),
    )


def _check_readiness(watcher: WatcherConfig, sockets: tuple[SocketConfig, ...], problems: Problems) -> None:
    target = _probed(watcher.ready)
    if target is None:
        return
    for socket in sockets:
        if socket.path is None and socket.port == target[1] and _meets(socket.host, target[0]):
            problems.add(
                f"probes the watcher's own socket {socket.name!r}, which the arbiter holds open: its queue or an older "
                "process would answer in place of the new one",
                watcher.where.get("ready") or watcher.where.get("", Location()),
                section=f"watcher:{watcher.name}",
                option="ready",
                found=str(watcher.ready),
                legal="notify, exec:CMD or delay:SECONDS",
            )


def _probed(ready: Readiness) -> tuple[str, int] | None:
    if ready.form is ReadinessForm.TCP:
        host, _, port = ready.target.rpartition(":")
        return host.strip("[]"), int(port)
    if ready.form is ReadinessForm.HTTP:
        parts = urlsplit(ready.target)
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


def _collide(one: SocketConfig, other: SocketConfig) -> bool:
    if one.path is not None or other.path is not None:
        return one.path == other.path
    if one.family != other.family or one.port != other.port or one.port == 0:
        return False
    return bool(_WILDCARDS & {one.host, other.host}) or _numeric(one.host) == _numeric(other.host)


def _numeric(host: str) -> str:
    return "127.0.0.1" if host.lower() == "localhost" else host.lower()
