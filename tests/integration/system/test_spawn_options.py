"""What happens in a child before its command runs, seen by real commands."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from circus_stack.errors import SpawnError
from circus_stack.system.identity import resolve_identity
from circus_stack.system.posix_spawn import is_available
from circus_stack.system.spawn import Child, SpawnPlan, spawn, spawn_all

needs_root = pytest.mark.usefixtures("as_root")


def plan(argv: list[str], fd: int, **options: object) -> SpawnPlan:
    values: dict[str, object] = {"env": dict(os.environ), "cwd": None, "identity": None, "pass_fds": ()}
    return SpawnPlan(argv=argv, stdout_fd=fd, stderr_fd=fd, **{**values, **options})  # type: ignore[arg-type]


def said(argv: list[str], **options: object) -> str:
    """All that a command writes until its end."""
    reader, writer = os.pipe()
    try:
        child = spawn(plan(argv, writer, **options))
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    with os.fdopen(reader) as output:
        text = output.read()
    finish(child)
    return text


def finish(child: Child) -> None:
    os.waitpid(child.pid, 0)
    os.close(child.pidfd)


def test_limits_hold_when_the_command_begins() -> None:
    shown = said(
        ["sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -c; echo $$"], limits={"nofile": (64, 128), "core": (0, 0)}
    )
    assert shown.split()[:3] == ["64", "128", "0"]


def test_an_infinite_limit() -> None:
    assert said(["sh", "-c", "ulimit -Sc"], limits={"core": (-1, -1)}) == "unlimited\n"


def test_a_limit_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(SpawnError, match=r"rlimit_nofiles: this system has no such limit; it has as, core, .*nofile"):
        spawn(plan(["true"], 1, limits={"nofiles": (1, 1)}))


def test_a_limited_command_that_is_not_there_is_named_before_anything_starts() -> None:
    with pytest.raises(SpawnError, match="cannot execute 'no-such-program': there is no such program on PATH"):
        spawn(plan(["no-such-program"], 1, limits={"nofile": (64, 64)}))
    with pytest.raises(SpawnError, match="cannot execute '/etc/passwd': Permission denied"):
        spawn(plan(["/etc/passwd"], 1, limits={"nofile": (64, 64)}))
    with pytest.raises(SpawnError, match="cannot enter the working directory '/no/where'"):
        spawn(plan(["true"], 1, limits={"nofile": (64, 64)}, cwd="/no/where"))


@needs_root
def test_limits_and_pid_of_another_user() -> None:
    nobody = resolve_identity("nobody", None)
    command = ["/bin/sh", "-c", "id -un; ulimit -n; test $LISTEN_PID = $$ && echo mine"]
    assert said(command, limits={"nofile": (64, 64)}, identity=nobody, tells_pid=True) == "nobody\n64\nmine\n"


def test_descriptors_get_the_numbers_that_are_asked_for_and_no_other_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        leak = os.dup(0)
        os.set_inheritable(leak, True)
        ours = sorted((one.fileno(), two.fileno()))
        try:
            # Crosswise, and in each other's way.
            shown = said(
                ["sh", "-c", "ls /proc/self/fd | sort -n | tr '\\n' ' '; readlink /proc/self/fd/*"],
                moved_fds={ours[0]: ours[1], ours[1]: ours[0], 3: ours[0]} if 3 not in ours else {3: ours[1]},
            )
        finally:
            os.close(leak)
    numbers = [int(word) for word in shown.splitlines()[0].split() if word.isdigit()]
    wanted = {0, 1, 2, 3, *ours} if 3 not in ours else {0, 1, 2, 3}
    # One more is the directory that ls reads.
    assert set(numbers) >= wanted
    assert len(numbers) == len(wanted) + 1


def test_a_descriptor_that_is_passed_keeps_its_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        inode = os.fstat(server.fileno()).st_ino
        shown = said(["readlink", f"/proc/self/fd/{server.fileno()}"], pass_fds=(server.fileno(),))
    assert shown == f"socket:[{inode}]\n"


def test_stdin_is_what_was_given_or_nothing() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"hello\n")
    os.close(writer)
    try:
        assert said(["cat"], stdin_fd=reader) == "hello\n"
    finally:
        os.close(reader)
    assert said(["cat"]) == ""


def test_arguments_reach_a_wrapped_command_as_they_are() -> None:
    words = ["$(id)", "a b", "'", '"', "", "-c", "--"]
    shown = said(
        ["python3", "-S", "-c", "import sys; print(sys.argv[1:])", *words], tells_pid=True, limits={"core": (0, 0)}
    )
    assert shown.strip() == str(words)


def test_a_child_leads_its_session_ignores_nothing_and_blocks_nothing(tmp_path: Path) -> None:
    shown = said(["sh", "-c", "cat /proc/self/stat; grep -E 'Sig(Blk|Ign)' /proc/self/status; pwd"], cwd=str(tmp_path))
    stat, blocked, ignored, directory = shown.splitlines()
    fields = stat.rpartition(")")[2].split()
    assert fields[3] == fields[1], "its session is its parent's pid, the shell's"
    assert int(blocked.split()[1], 16) == 0
    assert int(ignored.split()[1], 16) & (1 << 12) == 0, "SIGPIPE"
    assert directory == str(tmp_path)


def test_several_at_a_time_each_with_its_own_outcome() -> None:
    assert is_available()
    null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        argvs = [["true"] if number % 5 else [f"nothing-{number}"] for number in range(40)]
        outcomes = list(spawn_all([plan(argv, null) for argv in argvs]))
    finally:
        os.close(null)
    for argv, outcome in zip(argvs, outcomes, strict=True):
        if isinstance(outcome, Child):
            assert argv == ["true"]
            finish(outcome)
        else:
            assert argv[0] in str(outcome)
    assert sum(isinstance(each, Child) for each in outcomes) == 32


def test_without_the_librarys_help_popen_does_what_it_can(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("circus_stack.system.spawn.is_available", lambda: False)
    assert said(["pwd"], cwd=str(tmp_path)) == f"{tmp_path}\n"
    assert said(["sh", "-c", "ulimit -n"], limits={"nofile": (64, 64)}) == "64\n"
    with pytest.raises(SpawnError, match="cannot execute 'no-such-program'"):
        spawn(plan(["no-such-program"], 1))
    with pytest.raises(SpawnError, match=r"listen_fds.* glibc 2\.34"):
        spawn(plan(["true"], 1, moved_fds={3: 0}))
