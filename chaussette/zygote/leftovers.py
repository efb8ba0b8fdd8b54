"""What an application must not have left open when it is forked: threads, which no child would have, and connections,
which all children would share. Looks, and names them; changes nothing."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Collection, Iterator
from pathlib import Path

# Taken before anything patches the module: a patched socket would register itself with a hub.
from socket import socket as native_socket
from types import FrameType

_TASKS = Path("/proc/self/task")
_FDS = Path("/proc/self/fd")


def leftovers(spared: Collection[int]) -> list[str]:
    """A line for each thread of Python and each connection, but for the descriptors `spared`; empty where all is
    well."""
    return [*_threads(), *_connections(spared)]


def foreign_threads() -> list[str]:
    """The names of threads that Python does not know: a library's own, which may have its own way with forks."""
    known = len(sys._current_frames())
    names = [_text(task / "comm") for task in sorted(_TASKS.iterdir(), key=lambda each: int(each.name))]
    return names[known:]


def advice(found: Collection[str]) -> str:
    """What to say of leftovers, with what to do about them."""
    listed = "\n".join(f"  {each}" for each in found)
    return (
        f"preload: the application left open what forked workers cannot have or share:\n{listed}\n"
        "open them with the first request, or in the hook after_fork, which each worker runs; or close them in the "
        "hook before_fork; or set preload = false"
    )


# -- threads ------------------------------------------------------------------------------------------------------


def _threads() -> Iterator[str]:
    named = {thread.ident: thread for thread in threading.enumerate()}
    own = {threading.main_thread().ident, threading.get_ident()}
    here = sys._getframe()
    frames = {ident: frame for ident, frame in sys._current_frames().items() if not _is_below(here, frame)}
    for ident, thread in named.items():
        # Under a monkey patch a thread is a greenlet, and has no frame here.
        if ident not in own and thread.is_alive() and not isinstance(thread, threading._DummyThread):
            target = getattr(thread, "_target", None)
            doing = f", running {_qualified(target)}" if target else ""
            yield f"thread {thread.name!r} ({type(thread).__name__}{doing})"
    for ident, frame in frames.items():
        if ident not in named or isinstance(named[ident], threading._DummyThread):
            yield f"a thread without a name, in {frame.f_code.co_filename}, line {frame.f_lineno}"


def _is_below(here: FrameType | None, frame: FrameType) -> bool:
    """Whether `frame` is the calling thread's: one of those that have led here."""
    while here is not None:
        if here is frame:
            return True
        here = here.f_back
    return False


def _qualified(target: object) -> str:
    name = getattr(target, "__qualname__", None)
    return f"{getattr(target, '__module__', '?')}.{name}" if name else repr(target)


# -- connections --------------------------------------------------------------------------------------------------


def _connections(spared: Collection[int]) -> Iterator[str]:
    for entry in sorted(_FDS.iterdir(), key=lambda each: int(each.name)):
        fd = int(entry.name)
        if fd not in spared and _is_socket(entry):
            text = _connection(fd)
            if text:
                yield text


def _is_socket(entry: Path) -> bool:
    try:
        return str(entry.readlink()).startswith("socket:")
    except OSError:
        # The descriptor of this very look.
        return False


def _connection(fd: int) -> str:
    """What a connected stream socket is called; nothing for one that is none: datagrams don't mix, and who listens has
    no peer."""
    with native_socket(fileno=os.dup(fd)) as sock:
        if sock.type not in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
            return ""
        try:
            peer = sock.getpeername()
        except OSError:
            return ""
        if sock.family == socket.AF_UNIX:
            ends = next((each for each in (peer, sock.getsockname()) if each), "")
            return f"connection, fd {fd}: unix socket {_shown(ends)}" if ends else f"connection, fd {fd}: socket pair"
        return f"connection, fd {fd}: {_address(sock.getsockname())} to {_address(peer)}"


def _shown(address: str | bytes) -> str:
    return os.fsdecode(address).replace("\0", "@", 1)


def _address(address: tuple[object, ...] | object) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        host = f"[{address[0]}]" if ":" in str(address[0]) else address[0]
        return f"{host}:{address[1]}"
    return str(address)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return "?"
