"""Spawning and reaping real processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from circus_stack.errors import SpawnError
from circus_stack.system.command import run_command
from circus_stack.system.descent import become_subreaper, session_of, signal_group
from circus_stack.system.identity import resolve_identity
from circus_stack.system.notify import NotifySocket
from circus_stack.system.reaper import Reaper
from circus_stack.system.spawn import Child, SpawnPlan, spawn
from circus_stack.system.sweep import sweep_descendants

TIMEOUT_S = 20.0
# Another user may not reach the interpreter of the tests (a home directory is often closed): Debian's own is for all.
SYSTEM_PYTHON = "/usr/bin/python3"


@contextlib.contextmanager
def output(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def plan(argv: list[str], fd: int, **options: object) -> SpawnPlan:
    values: dict[str, object] = {"env": dict(os.environ), "cwd": None, "identity": None, "pass_fds": ()}
    return SpawnPlan(argv=argv, stdout_fd=fd, stderr_fd=fd, **{**values, **options})  # type: ignore[arg-type]


def play(act: Callable[[Reaper, list[int]], Awaitable[None]]) -> None:
    """Run `act` with a reaper and the list of strangers that it reaped."""

    async def bounded() -> None:
        strangers: list[int] = []
        reaper = Reaper(asyncio.get_running_loop(), strangers.append)
        reaper.start()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await act(reaper, strangers)
        finally:
            reaper.close()

    asyncio.run(bounded())


async def exit_of(reaper: Reaper, child: Child) -> int:
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    reaper.add(child, lambda pid, code: ended.set_result(code))
    return await ended


REPORT = (
    "import json,os,sys;"
    "print(json.dumps({'cwd':os.getcwd(),'uid':os.getuid(),'gid':os.getgid(),'groups':os.getgroups(),"
    "'sid':os.getsid(0)==os.getpid(),'env':dict(os.environ),"
    "'fds':sorted(int(f) for f in os.listdir('/proc/self/fd'))}))"
)


def test_a_process_gets_what_its_plan_says(tmp_path: Path) -> None:
    async def act(reaper: Reaper, strangers: list[int]) -> None:
        with output(tmp_path / "out") as fd, socket.socket() as passed, socket.socket() as kept:
            passed.set_inheritable(False)
            kept.set_inheritable(False)
            child = spawn(
                plan(
                    [SYSTEM_PYTHON, "-c", REPORT],
                    fd,
                    env={"A": "b"},
                    cwd=str(tmp_path),
                    pass_fds=(passed.fileno(),),
                    identity=resolve_identity("nobody", None),
                )
            )
            assert session_of(child.pid) == child.pid
            assert await exit_of(reaper, child) == 0
            report = json.loads((tmp_path / "out").read_text())
            nobody = pwd.getpwnam("nobody")
            assert report["cwd"] == str(tmp_path)
            assert (report["uid"], report["gid"]) == (nobody.pw_uid, nobody.pw_gid)
            assert 0 not in report["groups"]
            assert report["env"]["A"] == "b"
            assert "HOME" not in report["env"]
            assert report["sid"] is True
            assert passed.fileno() in report["fds"]
            assert kept.fileno() not in report["fds"]

    for directory in (tmp_path, *list(tmp_path.parents)[:2]):
        directory.chmod(0o755)
    play(act)


@pytest.mark.parametrize(
    ("argv", "cwd", "message"),
    [
        (["no-such-program"], None, "no such program on PATH"),
        (["/etc/passwd"], None, "cannot execute '/etc/passwd': Permission denied"),
        (["true"], "/no/such/place", "cannot enter the working directory '/no/such/place'"),
        (["a\0b"], None, "cannot execute"),
    ],
)
def test_what_cannot_run_is_explained(tmp_path: Path, argv: list[str], cwd: str | None, message: str) -> None:
    with output(tmp_path / "out") as fd, pytest.raises(SpawnError, match=message):
        spawn(plan(argv, fd, cwd=cwd))


def test_unknown_users_and_groups_are_named() -> None:
    with pytest.raises(SpawnError, match="no user 'nobody-at-all'"):
        resolve_identity("nobody-at-all", None)
    with pytest.raises(SpawnError, match="no group 'nogroup-at-all'"):
        resolve_identity(None, "nogroup-at-all")


def test_exit_codes_and_signals(tmp_path: Path) -> None:
    async def act(reaper: Reaper, strangers: list[int]) -> None:
        with output(tmp_path / "out") as fd:
            assert await exit_of(reaper, spawn(plan(["sh", "-c", "exit 3"], fd))) == 3
            child = spawn(plan(["sleep", "600"], fd))
            assert session_of(child.pid) == child.pid
            ended = asyncio.ensure_future(exit_of(reaper, child))
            await asyncio.sleep(0)
            assert reaper.send(child.pid, signal.SIGKILL)
            assert await ended == -signal.SIGKILL
            assert not reaper.send(child.pid, signal.SIGTERM)
            assert not signal_group(child.pid, 0)

    play(act)


def test_an_orphan_is_reaped_and_told(tmp_path: Path) -> None:
    async def act(reaper: Reaper, strangers: list[int]) -> None:
        become_subreaper()
        with output(tmp_path / "out") as fd:
            child = spawn(plan(["sh", "-c", "(sleep 0.1; exit 0) & echo $!"], fd))
            assert await exit_of(reaper, child) == 0
        orphan = int((tmp_path / "out").read_text())
        while orphan not in strangers:
            await asyncio.sleep(0.01)

    play(act)


def test_what_strayed_is_swept_up(tmp_path: Path) -> None:
    async def act(reaper: Reaper, strangers: list[int]) -> None:
        become_subreaper()
        with output(tmp_path / "out") as fd:
            child = spawn(plan(["sh", "-c", "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 600' & echo $!"], fd))
            assert await exit_of(reaper, child) == 0
        stray = int((tmp_path / "out").read_text())
        assert stray in await sweep_descendants()
        assert not psutil.pid_exists(stray)

    play(act)


def test_a_probe_command_is_reaped_once(tmp_path: Path) -> None:
    async def act(reaper: Reaper, strangers: list[int]) -> None:
        codes = await asyncio.gather(
            *(run_command(reaper, ["sh", "-c", f"exit {i}"], env=os.environ, cwd=None) for i in range(5))
        )
        assert codes == [0, 1, 2, 3, 4]
        assert strangers == []

    play(act)


def test_a_cancelled_probe_command_is_killed(tmp_path: Path) -> None:
    async def act(reaper: Reaper, strangers: list[int]) -> None:
        mark = tmp_path / "pid"
        argv = ["sh", "-c", f"echo $$ > {mark}; sleep 600"]
        probe = asyncio.ensure_future(run_command(reaper, argv, env=os.environ, cwd=None))
        while not mark.exists() or not mark.read_text().strip():
            await asyncio.sleep(0.01)
        pid = int(mark.read_text())
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        while signal_group(pid, 0):
            await asyncio.sleep(0.01)
        assert not reaper.knows(pid)

    play(act)


def test_a_notification_carries_its_senders_pid(tmp_path: Path) -> None:
    async def act(reaper: Reaper, strangers: list[int]) -> None:
        messages: list[tuple[int, dict[str, str]]] = []
        notify = NotifySocket(
            asyncio.get_running_loop(), tmp_path / "n", lambda pid, fields: messages.append((pid, dict(fields)))
        )
        code = (
            "import socket,sys;s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);"
            "s.sendto(b'READY=1\\nSTATUS=\\xff up\\nnonsense',sys.argv[1])"
        )
        with output(tmp_path / "out") as fd:
            child = spawn(plan([sys.executable, "-c", code, str(notify.path)], fd))
            assert await exit_of(reaper, child) == 0
        while not messages:
            await asyncio.sleep(0.01)
        assert messages == [(child.pid, {"READY": "1", "STATUS": "\ufffd up"})]
        notify.close()
        assert not notify.path.exists()

    play(act)


def test_another_user_notifies_through_an_inherited_descriptor(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    async def act(reaper: Reaper, strangers: list[int]) -> None:
        senders: list[int] = []
        notify = NotifySocket(asyncio.get_running_loop(), closed / "n", lambda pid, fields: senders.append(pid))
        code = (
            "import socket,sys;s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);"
            "s.sendto(b'READY=1','/proc/self/fd/'+sys.argv[1])"
        )
        with output(tmp_path / "out") as fd:
            argv = [SYSTEM_PYTHON, "-c", code, str(notify.path_fd)]
            child = spawn(plan(argv, fd, pass_fds=(notify.path_fd,), identity=resolve_identity("nobody", None)))
            assert await exit_of(reaper, child) == 0, (tmp_path / "out").read_text()
        while not senders:
            await asyncio.sleep(0.01)
        assert senders == [child.pid]
        notify.close()

    play(act)
