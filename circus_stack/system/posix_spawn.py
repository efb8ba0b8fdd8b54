"""The C library's posix_spawn, with what Python's own leaves out: a directory, closed descriptors, and no GIL.

Knows nothing of plans. The calling thread sleeps until the child has executed its program, other threads go on.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

# spawn.h, the same in glibc and musl.
_SETSIGDEF, _SETSIGMASK, _SETSID = 0x04, 0x08, 0x80
# The largest of these opaque records is glibc's posix_spawnattr_t with 336 bytes.
_RECORD = ctypes.c_char * 1024
# Python ignores these, and what is ignored stays so after exec: a child would write into a closed pipe for ever.
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
_INT, _POINTER = ctypes.c_int, ctypes.c_void_p
_NOTHING = os.fsencode(os.devnull)


class _Library:
    """The functions, and the attributes that all children share: a session of their own, no blocked signal."""

    def __init__(self) -> None:
        # Calls that take no time keep the GIL: to give it up and get it back costs more than they do.
        quick, slow = ctypes.PyDLL(None), ctypes.CDLL(None)
        self.actions_init = _typed(quick.posix_spawn_file_actions_init, _POINTER)
        self.actions_destroy = _typed(quick.posix_spawn_file_actions_destroy, _POINTER)
        self.add_open = _typed(
            quick.posix_spawn_file_actions_addopen, _POINTER, _INT, ctypes.c_char_p, _INT, ctypes.c_uint
        )
        self.add_dup2 = _typed(quick.posix_spawn_file_actions_adddup2, _POINTER, _INT, _INT)
        self.add_close = _typed(quick.posix_spawn_file_actions_addclose, _POINTER, _INT)
        self.add_closefrom = _typed(quick.posix_spawn_file_actions_addclosefrom_np, _POINTER, _INT)
        self.add_chdir = _typed(quick.posix_spawn_file_actions_addchdir_np, _POINTER, ctypes.c_char_p)
        self.spawn = _typed(slow.posix_spawn, _POINTER, ctypes.c_char_p, *[_POINTER] * 4)
        self.attributes = _RECORD()
        restored, none = _signal_set(quick, _RESTORED), _signal_set(quick, ())
        _check(quick.posix_spawnattr_init(self.attributes))
        _check(quick.posix_spawnattr_setsigdefault(self.attributes, restored))
        _check(quick.posix_spawnattr_setsigmask(self.attributes, none))
        flags = ctypes.c_short(_SETSID | _SETSIGDEF | _SETSIGMASK)
        _check(quick.posix_spawnattr_setflags(self.attributes, flags))


def _typed(function: Any, *arguments: Any) -> Any:
    function.argtypes = arguments
    return function


def _signal_set(library: ctypes.CDLL, signals: Sequence[int]) -> ctypes.Array[ctypes.c_char]:
    made = _RECORD()
    library.sigemptyset(made)
    for signum in signals:
        library.sigaddset(made, int(signum))
    return made


def _check(error: int) -> None:
    if error:
        raise OSError(error, os.strerror(error))


@cache
def _library() -> _Library | None:
    try:
        return _Library()
    except (AttributeError, OSError):
        return None


def is_available() -> bool:
    """Whether this C library can do all of it: glibc can since 2.34."""
    return _library() is not None


def posix_spawn(
    path: str, argv: Sequence[str], env: Mapping[str, str], *, cwd: str | None, fds: Mapping[int, int | None]
) -> int:
    """Start `path` as the leader of a new session; its pid. `fds` are the only descriptors that it gets: its number ->
    ours, or None for /dev/null. Raises OSError as exec or the change of directory would, ValueError for a text with a
    zero byte."""
    library = _library()
    if library is None:
        raise OSError(errno.ENOSYS, "the C library's posix_spawn cannot change the directory or close descriptors")
    pid = ctypes.c_int()
    actions = _RECORD()
    copies: list[int] = []
    _check(library.actions_init(actions))
    try:
        _fill(library, actions, cwd, _apart(fds, copies))
        error = library.spawn(
            ctypes.byref(pid),
            _bytes(path),
            actions,
            library.attributes,
            _strings(argv),
            _strings([f"{name}={value}" for name, value in env.items()]),
        )
    finally:
        library.actions_destroy(actions)
        for copy in copies:
            os.close(copy)
    _check(error)
    return pid.value


def _apart(fds: Mapping[int, int | None], copies: list[int]) -> Mapping[int, int | None]:
    """The same with copies, which are noted, of those descriptors of ours whose number another one takes."""
    apart: Mapping[int, int | None] = fds
    for number, ours in fds.items():
        if ours is not None and number != ours and ours in fds:
            copies.append(fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, max(fds) + 1))
            apart = {**apart, number: copies[-1]}
    return apart


def _fill(library: _Library, actions: Any, cwd: str | None, fds: Mapping[int, int | None]) -> None:
    if cwd is not None:
        _check(library.add_chdir(actions, _bytes(cwd)))
    for number, ours in fds.items():
        if ours is None:
            _check(library.add_open(actions, number, _NOTHING, os.O_RDONLY, 0))
        else:
            # Onto itself, too: that takes close-on-exec from it.
            _check(library.add_dup2(actions, ours, number))
    highest = max((2, *fds))
    for number in range(3, highest):
        if number not in fds:
            _check(library.add_close(actions, number))
    _check(library.add_closefrom(actions, highest + 1))


def _strings(texts: Sequence[str]) -> Any:
    """A `char *[]` that ends in NULL."""
    return (ctypes.c_char_p * (len(texts) + 1))(*map(_bytes, texts), None)


def _bytes(text: str) -> bytes:
    encoded = os.fsencode(text)
    if b"\0" in encoded:
        raise ValueError("embedded null byte")
    return encoded
