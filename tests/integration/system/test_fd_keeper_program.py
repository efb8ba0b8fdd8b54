"""The program that keeps descriptors, and the connection to it: real ones, spoken to as an arbiter does, and as nobody
may."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
from pathlib import Path

import pytest

from circus_stack.system import fd_keeper
from circus_stack.system.fd_keeper_link import SOCKET_NAME, FdKeeperLink, connect_keeper, start_keeper
from circus_stack.system.foreign_fds import fd_name
from circus_stack.system.journal import JournalDirectory
from tests.support.waiting import PATIENCE_S, wait_until

MANY = 600


@pytest.fixture
def directory(tmp_path):
    # Deeper than the path of a socket may be.
    held = JournalDirectory.take(tmp_path / ("deep" * 20) / ("deeper" * 10) / "ledger")
    yield held
    held.release(remove=True)


@pytest.fixture
def keeper(directory):
    child, link = start_keeper(directory.directory_fd, directory.lock_fd)
    yield link
    link.close()
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    os.close(child.pidfd)


@contextlib.contextmanager
def pipes(count):
    """Pipes: names -> our ends for reading; and the others' ends."""
    made = [os.pipe2(os.O_CLOEXEC) for _ in range(count)]
    try:
        yield {fd_name(ours): ours for ours, _theirs in made}, [theirs for _ours, theirs in made]
    finally:
        for fd in (fd for pair in made for fd in pair):
            with contextlib.suppress(OSError):
                os.close(fd)


def again(directory) -> FdKeeperLink:
    """As the next arbiter does."""
    link = connect_keeper(directory.directory_fd, directory.lock_fd)
    assert link is not None
    return link


def take(link) -> dict[str, int]:
    """The names, with the descriptors closed again; each is what its name says."""
    found = link.take()
    for name, fd in found.items():
        assert name == fd_name(fd)
        assert not os.get_inheritable(fd)
        os.close(fd)
    return found


def test_the_next_one_gets_all_of_many_and_what_it_does_not_confirm_goes(directory, keeper):
    with pipes(MANY) as (ours, _theirs):
        keeper.keep(ours)
        assert take(keeper).keys() == ours.keys()
        some = dict(list(ours.items())[:3])
        keeper.forget([name for name in ours if name not in some])
        assert take(keeper).keys() == some.keys()
        keeper.close()

        link = again(directory)
        assert link.pid == keeper.pid
        assert take(link).keys() == some.keys()
        one = dict(list(some.items())[:1])
        link.keep(one)
        link.settle()
        assert take(link).keys() == one.keys()
        assert link.dismiss()
        assert connect_keeper(directory.directory_fd, directory.lock_fd) is None


def test_saying_it_does_not_wait_for_a_keeper_that_hears_nothing(keeper):
    async def say() -> None:
        lost = asyncio.Event()
        keeper.watch(asyncio.get_running_loop(), lost.set)
        for name, fd in ours.items():
            keeper.keep({name: fd})
            keeper.forget([name])
            keeper.keep({name: fd})
        os.kill(keeper.pid, signal.SIGCONT)
        # What waited is said in the end, with descriptors of its own.
        async with asyncio.timeout(PATIENCE_S):
            while keeper.is_behind:
                await asyncio.sleep(0.01)

    with pipes(MANY) as (ours, _theirs):
        os.kill(keeper.pid, signal.SIGSTOP)
        wait_until(lambda: is_stopped(keeper.pid), "the keeper's stop")
        asyncio.run(say())
        assert take(keeper).keys() == ours.keys()


def is_stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_lost_keeper_is_noticed(keeper):
    async def wait_lost() -> None:
        lost = asyncio.Event()
        keeper.watch(asyncio.get_running_loop(), lost.set)
        os.kill(keeper.pid, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE_S):
            await lost.wait()

    asyncio.run(wait_lost())


@pytest.mark.parametrize("shows", ["nothing", "another file", "the lock's file, opened anew"])
def test_who_does_not_hold_the_lock_is_told_nothing(directory, keeper, shows):
    with pipes(1) as (ours, _theirs), contextlib.ExitStack() as opened:
        keeper.keep(ours)
        stranger = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        stranger.settimeout(PATIENCE_S)
        stranger.connect(f"/proc/self/fd/{directory.directory_fd}/{SOCKET_NAME}")
        fds = []
        if shows != "nothing":
            path = os.devnull if shows == "another file" else directory.path / "lock"
            fds = [os.open(path, os.O_RDWR)]
            opened.callback(os.close, fds[0])
        socket.send_fds(stranger, [fd_keeper.CLAIM], fds)
        with contextlib.suppress(OSError):
            stranger.send(fd_keeper.TAKE)
        try:
            answer = stranger.recv(100)
        except ConnectionResetError:
            answer = b""
        assert answer == b""
        # The one who holds it is heard as before.
        assert take(keeper).keys() == ours.keys()


def test_it_goes_by_itself_when_neither_a_client_nor_an_owner_is_left(directory, keeper):
    with pipes(1) as (ours, theirs):
        keeper.keep(ours)
        assert take(keeper).keys() == ours.keys()
        keeper.close()
        link = again(directory)
        assert take(link).keys() == ours.keys()
        link.close()
        os.close(theirs[0])
        pidfd = os.pidfd_open(keeper.pid)
        try:
            wait_until(lambda: os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT), "its end")
        finally:
            os.close(pidfd)


def test_for_want_of_descriptors_it_waits_and_does_not_spin(directory, keeper):
    # It has let this one in, and is idle: nothing that is closed now would make room.
    assert take(keeper) == {}
    taken = {int(each.name) for each in Path(f"/proc/{keeper.pid}/fd").iterdir()}
    limits = resource.prlimit(keeper.pid, resource.RLIMIT_NOFILE)
    lowest = next(number for number in range(1024) if number not in taken)
    resource.prlimit(keeper.pid, resource.RLIMIT_NOFILE, (lowest, limits[1]))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
        stranger.connect(f"/proc/self/fd/{directory.directory_fd}/{SOCKET_NAME}")
        wait_until(lambda: is_deaf(keeper.pid), "it listens to nobody", pause_s=0.001)
        resource.prlimit(keeper.pid, resource.RLIMIT_NOFILE, limits)
        wait_until(lambda: not is_deaf(keeper.pid), "it listens again")
        link = again(directory)
        assert link.pid == keeper.pid
        link.close()


def is_deaf(pid: int) -> bool:
    """Whether an epoll of the process watches something for nothing."""
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        if "eventpoll" in str(fd.readlink()):
            lines = Path(f"/proc/{pid}/fdinfo/{fd.name}").read_text().splitlines()
            # EPOLLERR and EPOLLHUP are always watched for.
            return any(line.startswith("tfd:") and int(line.split()[3], 16) & 1 == 0 for line in lines)
    return False
