"""Processes that are another one's children: seen to end, signalled with their group, and what they hold fetched."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import pytest

from circus_stack.system.foreign_fds import can_fetch, fd_name, fds_of, fetch_fd, holders, reopen_pipe
from circus_stack.system.foundlings import send_certainly
from circus_stack.system.marked import mark_of, marked_processes
from circus_stack.system.process_stamp import Stamp, boot_id, is_living, process_table, stamp_of
from circus_stack.system.reaper import Reaper
from circus_stack.system.spawn import Child
from tests.support.waiting import PATIENCE_S, wait_until

# Starts what follows in a session of its own, says its pid, and is gone: what it started is an orphan.
PARENT = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:], start_new_session=True, pass_fds=[int(fd) for fd in {fds!r}.split()])
print(child.pid, flush=True)
import os
os._exit(0)
"""


class Orphans:
    """Starts orphans, and ends what is left of their groups."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def start(self, *argv: str, fds: tuple[int, ...] = (), env: dict[str, str] | None = None) -> Stamp:
        code = PARENT.format(fds=" ".join(map(str, fds)))
        parent = subprocess.Popen(
            [sys.executable, "-c", code, *argv],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=fds,
            env={**os.environ, **(env or {})},
        )
        assert parent.stdout is not None
        with parent.stdout as said:
            pid = int(said.readline())
        self.pids.append(pid)
        parent.wait(PATIENCE_S)
        stamp = stamp_of(pid)
        assert stamp is not None
        return stamp

    def end(self) -> None:
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                # Ours, where a test before has made this process a subreaper.
                os.waitpid(pid, 0)


@pytest.fixture
def orphans() -> Iterator[Orphans]:
    made = Orphans()
    yield made
    made.end()


def play(act: Callable[[Reaper, list[int]], Awaitable[None]]) -> None:
    async def bounded() -> None:
        strangers: list[int] = []
        reaper = Reaper(asyncio.get_running_loop(), strangers.append, takes_strangers=False)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await act(reaper, strangers)
        finally:
            reaper.close()

    asyncio.run(bounded())


def test_a_stamp_is_of_one_process_alone(orphans: Orphans) -> None:
    stamp = orphans.start("sleep", "600")

    assert is_living(stamp)
    assert not is_living(Stamp(stamp.pid, stamp.started + 1))
    assert not send_certainly(Stamp(stamp.pid, stamp.started + 1), signal.SIGKILL)
    assert send_certainly(stamp, signal.SIGKILL)
    wait_until(lambda: not is_living(stamp), "the end of it")
    assert len(boot_id()) == 36


def test_its_end_is_seen_and_its_status_is_nobodys(orphans: Orphans) -> None:
    stamp = orphans.start("sleep", "600")

    async def act(reaper: Reaper, _strangers: list[int]) -> None:
        ended: asyncio.Future[tuple[int, int | None]] = asyncio.get_running_loop().create_future()
        reaper.add(Child(stamp.pid, os.pidfd_open(stamp.pid), stamp), lambda pid, code: ended.set_result((pid, code)))
        assert reaper.knows(stamp.pid)
        assert reaper.send(stamp.pid, signal.SIGTERM)
        assert await ended == (stamp.pid, None)
        assert not reaper.knows(stamp.pid)
        assert not reaper.send(stamp.pid, signal.SIGTERM)
        assert not reaper.has_group(stamp.pid)

    play(act)


def test_its_group_outlives_it_and_is_followed_to_its_end(orphans: Orphans) -> None:
    stamp = orphans.start("sh", "-c", "sleep 600 & sleep 600 & exec sleep 600")
    wait_until(lambda: sum(each.group == stamp.pid for each in process_table()) == 3, "three in the group")

    async def act(reaper: Reaper, strangers: list[int]) -> None:
        ended = asyncio.Event()
        reaper.add(Child(stamp.pid, os.pidfd_open(stamp.pid), stamp), lambda _pid, _code: ended.set())
        reaper.send(stamp.pid, signal.SIGKILL)
        await ended.wait()
        assert reaper.has_group(stamp.pid)
        reaper.follow_group(stamp.pid)
        assert reaper.signal_orphaned_group(stamp.pid, signal.SIGTERM)
        while len(strangers) < 2:
            await asyncio.sleep(0.01)
        assert not reaper.has_group(stamp.pid)
        assert not reaper.signal_orphaned_group(stamp.pid, signal.SIGKILL)

    play(act)


def test_a_group_of_that_number_with_another_leader_is_let_alone(orphans: Orphans) -> None:
    stamp = orphans.start("sleep", "600")
    earlier = Stamp(stamp.pid, stamp.started - 100)

    async def act(reaper: Reaper, _strangers: list[int]) -> None:
        reaper.add(Child(stamp.pid, os.pidfd_open(stamp.pid), earlier), lambda _pid, _code: None)
        assert not reaper.has_group(stamp.pid)
        assert not reaper.signal_group(stamp.pid, signal.SIGKILL)

    play(act)
    assert is_living(stamp)


def test_a_released_one_ends_unheard(orphans: Orphans) -> None:
    stamp = orphans.start("sleep", "600")

    async def act(reaper: Reaper, _strangers: list[int]) -> None:
        reaper.add(
            Child(stamp.pid, os.pidfd_open(stamp.pid), stamp), lambda _pid, _code: pytest.fail("told of a released one")
        )
        reaper.disown(stamp.pid)
        os.kill(stamp.pid, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE_S):
            while reaper.knows(stamp.pid):
                await asyncio.sleep(0.01)

    play(act)


def test_a_listening_socket_comes_back_out_of_who_holds_it(orphans: Orphans) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        name, address = fd_name(listener.fileno()), listener.getsockname()
        stamp = orphans.start("sleep", "600", fds=(listener.fileno(),))
        number = fds_of(stamp.pid)[name]
        assert (stamp.pid, name, number) in list(holders([name]))
    assert can_fetch()

    with socket.socket(fileno=fetch_fd(stamp.pid, number)) as again:
        assert fd_name(again.fileno()) == name
        assert again.getsockname() == address
        assert not again.get_inheritable()
        with socket.create_connection(address), again.accept()[0]:
            pass


def test_what_stands_in_a_pipe_is_read_by_who_opens_it_next(orphans: Orphans) -> None:
    ours, childs = os.pipe()
    # As the streams do it: the writer's end is its own reader, too.
    both = os.open(f"/proc/self/fd/{childs}", os.O_RDWR)
    name = fd_name(both)
    stamp = orphans.start("sh", "-c", f"echo said before > /proc/self/fd/{both}; exec sleep 600", fds=(both,))
    for fd in (ours, childs, both):
        os.close(fd)

    again = reopen_pipe(stamp.pid, fds_of(stamp.pid)[name])
    try:
        assert os.get_blocking(again) is False
        assert wait_until(lambda: _read(again), "what was said") == b"said before\n"
    finally:
        os.close(again)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 1000)
    except BlockingIOError:
        return b""


def test_who_is_gone_holds_nothing(orphans: Orphans) -> None:
    stamp = orphans.start("sleep", "600")
    os.kill(stamp.pid, signal.SIGKILL)
    wait_until(lambda: not is_living(stamp), "the end of it")

    assert fds_of(stamp.pid) == {}
    with pytest.raises(OSError):
        fetch_fd(stamp.pid, 0)


def test_processes_are_found_by_their_mark(orphans: Orphans) -> None:
    one = orphans.start("sleep", "600", env={"CIRCUS_TEST_MARK": "a:7"})
    other = orphans.start("sleep", "600", env={"CIRCUS_TEST_MARK": ""})

    # An environment can be seen once the program is executed.
    marked = {one.pid: "a:7", other.pid: ""}
    wait_until(lambda: marked_processes("CIRCUS_TEST_MARK") == marked, "both marks")
    assert mark_of(one.pid, "TEST_MARK") is None
