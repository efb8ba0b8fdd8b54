"""The rehearsal of an upgrade, both sides: the arbiter that runs starts the new code, which takes everything over as it
would, but does nothing, and says so. Whatever goes wrong there changes nothing here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from circus_stack import __version__
from circus_stack.arbiter.arbiter import Arbiter
from circus_stack.arbiter.kinship import Kinship
from circus_stack.arbiter.launch import Surroundings
from circus_stack.arbiter.means import Capture, Means
from circus_stack.arbiter.pulse import Pulse
from circus_stack.arbiter.sockets import ListeningSocket, fds, laned, restore_sockets
from circus_stack.config.schema import CircusConfig, WatcherConfig
from circus_stack.control.keyring import keys_directory, read_keyring
from circus_stack.daemon.handover.record import HandoverRecord, decode_handover
from circus_stack.errors import HandoverError, SpawnError
from circus_stack.exits import describe_exit
from circus_stack.streams.validation import check_watchers
from circus_stack.system.descent import signal_group
from circus_stack.system.reaper import Reaper
from circus_stack.system.reexec import VARIABLE, Handover, write_memory
from circus_stack.system.spawn import SpawnPlan, spawn

_Check = Callable[[int], bool]
_SAID = b"rehearsed "
# What is told of the words of a rehearsal that failed, and kept of them.
_LINES = 10
_KEPT = 16 * 1024

# -- the side of the arbiter that runs ------------------------------------------------------------------------------


async def rehearse(
    reaper: Reaper,
    command: Sequence[str],
    environ: Mapping[str, str],
    data: bytes,
    passed: Sequence[int],
    timeout_s: float,
) -> str:
    """Have the new code take over `data` and the descriptors `passed`, without doing it; the version of the new code.

    Raises HandoverError with the reason: its exit status and last words, or that it took longer than `timeout_s`.
    """
    with contextlib.ExitStack() as opened:
        memory_fd = _opened(opened, write_memory(data))
        report, report_end = _pipe(opened)
        output, output_end = _pipe(opened)
        environ = {**environ, VARIABLE: Handover(memory_fd, report_end).text()}
        plan = SpawnPlan(command, environ, None, None, (*passed, memory_fd, report_end), output_end, output_end)
        ended, words = await _run(reaper, plan, output, timeout_s)
        said = _read(report)
    if ended == 0 and said.startswith(_SAID):
        return said.removeprefix(_SAID).decode(errors="replace").strip()
    how = "did not say that it could take over" if ended == 0 else describe_exit(ended)
    raise HandoverError(f"the new code {how} in the rehearsal; nothing was changed{_quoted(words)}")


async def _run(reaper: Reaper, plan: SpawnPlan, output: int, timeout_s: float) -> tuple[int, bytes]:
    """The exit code, and the last of what was said."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int | None] = loop.create_future()
    words = bytearray()
    try:
        child = spawn(plan)
    except SpawnError as error:
        raise HandoverError(f"the rehearsal cannot begin: {error}") from None
    reaper.add(child, lambda _pid, exit_code: None if ended.done() else ended.set_result(exit_code))
    loop.add_reader(output, lambda: _keep(words, _read(output)))
    try:
        exit_code = await asyncio.wait_for(asyncio.shield(ended), timeout_s)
        _keep(words, _read(output))
    except TimeoutError:
        reason = f"the new code did not take over within {timeout_s:g} s in the rehearsal; nothing was changed"
        raise HandoverError(reason + _quoted(bytes(words))) from None
    finally:
        loop.remove_reader(output)
        if reaper.knows(child.pid):
            signal_group(child.pid, signal.SIGKILL)
    return exit_code or 0, bytes(words)


def _opened(stack: contextlib.ExitStack, fd: int) -> int:
    stack.callback(os.close, fd)
    return fd


def _pipe(stack: contextlib.ExitStack) -> tuple[int, int]:
    """Our end, which doesn't block, and the other."""
    ours, other = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(ours, False)
    return _opened(stack, ours), _opened(stack, other)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, _KEPT)
    except BlockingIOError:
        return b""


def _keep(words: bytearray, more: bytes) -> None:
    words += more
    del words[:-_KEPT]


def _quoted(words: bytes) -> str:
    lines = words.decode(errors="replace").strip().splitlines()[-_LINES:]
    return "".join(f"\n    {line}" for line in lines)


# -- the side of the new code ---------------------------------------------------------------------------------------


def rehearse_here(handover: Handover) -> None:
    """Take everything over that was handed in, start and write nothing, and report. Raises HandoverError, OSError."""
    record = decode_handover(handover.read())
    _check_descriptors(record)
    _check_keys(record.arbiter.declared.circus)
    problems = check_watchers(record.configs(), refuses_unknown=False)
    if problems:
        raise HandoverError("; ".join(map(str, problems)))
    asyncio.run(_build(record))
    if handover.report_fd is not None:
        os.write(handover.report_fd, _SAID + __version__.encode())


def _check_keys(circus: CircusConfig) -> None:
    """What the endpoints read before they are bound. Raises ConfigError."""
    directory = keys_directory(circus)
    if directory is not None:
        read_keyring(directory, circus.where.get("keys_dir"))


def _check_descriptors(record: HandoverRecord) -> None:
    for fd, is_right, what in _claims(record):
        try:
            mode = os.fstat(fd).st_mode
        except OSError as error:
            raise HandoverError(f"descriptor {fd}, {what}, was not handed over: {error.strerror}") from None
        if not is_right(mode):
            raise HandoverError(f"descriptor {fd} was handed over as {what}, and is none")


def _claims(record: HandoverRecord) -> Iterator[tuple[int, _Check, str]]:
    """Each descriptor, and what it is said to be."""
    for socket in record.arbiter.sockets:
        for fd in socket.fds():
            yield fd, stat.S_ISSOCK, f"the socket {socket.config.name}"
    for fd in record.streams.fds():
        yield fd, stat.S_ISFIFO, "the pipe of a process"
    if record.place is not None:
        yield record.place.lock_fd, stat.S_ISREG, "the lock"
        if record.place.ledger_lock_fd is not None:
            yield record.place.ledger_lock_fd, stat.S_ISREG, "the lock of the ledger"
        if record.place.scoreboard_fd is not None:
            yield record.place.scoreboard_fd, stat.S_ISREG, "the scoreboard"
        yield record.place.notify_fd, stat.S_ISSOCK, "the notify socket"


async def _build(record: HandoverRecord) -> None:
    """The arbiter as it will be, in a loop that gives nothing its turn: nothing is read, reaped or spawned."""
    loop = asyncio.get_running_loop()
    sockets = restore_sockets(record.arbiter.sockets)
    reaper = Reaper(loop, lambda _pid: None, takes_strangers=False)
    directory = Path("" if record.place is None else record.place.runtime_dir)
    notify_fd = 2 if record.place is None else record.place.notify_path_fd
    means = Means(
        loop=loop,
        reaper=reaper,
        kinship=Kinship(loop, reaper, adopts_orphans=False),
        pulse=Pulse(),
        open_capture=_no_capture,
        publish=lambda _event: None,
        surroundings=lambda: _surroundings(sockets, directory, notify_fd),
    )
    Arbiter(record.arbiter.declared, sockets, means, resumed=record.arbiter)
    reaper.close()


def _surroundings(sockets: dict[str, ListeningSocket], directory: Path, notify_fd: int) -> Surroundings:
    return Surroundings(fds(sockets), os.environ, directory / "notify", notify_fd, laned(sockets))


def _no_capture(_config: WatcherConfig, _wid: int) -> Capture:
    raise HandoverError("nothing is spawned in a rehearsal")
