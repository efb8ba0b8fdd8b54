"""Sockets and spawning through a real circusd: what its processes then have."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from tests.support.processes import BIN, Program
from tests.support.stack import RunningStack, room
from tests.support.waiting import wait_until

# Answers each connection with what it knows of itself, one JSON line; serves what is queued before it ends.
SERVER = """
import json, os, signal, socket, sys
fd = int(sys.argv[1]) if len(sys.argv) > 1 else 3
server = socket.socket(fileno=fd)
server.setblocking(True)
ends = []
signal.signal(signal.SIGTERM, lambda *_: ends.append(server.settimeout(0)))
me = {"pid": os.getpid(), "fd": fd, "argv": sys.argv[1:],
      "env": {name: text for name, text in os.environ.items() if name.startswith("LISTEN_")}}
while True:
    try:
        client = server.accept()[0]
    except (BlockingIOError, InterruptedError):
        break
    client.sendall(json.dumps(me).encode() + b"\\n")
    client.close()
"""


def ini(directory: Path, *sections: str) -> str:
    (directory / "server.py").write_text(SERVER)
    path = directory / "stack.ini"
    text = "\n".join(
        ["[circus]", f"endpoint = ipc://{directory}/c", f"pubsub_endpoint = ipc://{directory}/p", *sections]
    )
    path.write_text(text.replace("SERVER", f"{sys.executable} -IS {directory}/server.py"))
    return str(path)


def ask(address: Any) -> dict[str, Any]:
    """What a server says of itself."""
    with contextlib.ExitStack() as opened:
        if isinstance(address, str):
            client = opened.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(20)
            client.connect(address)
        else:
            client = opened.enter_context(socket.create_connection(address, timeout=20))
        with client.makefile() as reader:
            found: dict[str, Any] = json.loads(reader.readline())
            return found


def wait_active(stack: RunningStack, watcher: str, count: int) -> list[int]:
    def look() -> list[int] | None:
        pids = stack.pids(watcher)
        return pids if len(pids) == count and stack.call("status", name=watcher)["status"] == "active" else None

    return wait_until(look, f"{count} processes of {watcher}", detail=stack.output)


def test_a_program_that_reads_listen_fds_finds_its_sockets(tmp_path: Path, short_path: Path) -> None:
    file = ini(
        short_path,
        "[socket:web]", "host = 127.0.0.1", "port = 0",
        "[socket:other]", f"path = {short_path}/o",
        "[watcher:w]", "cmd = SERVER", "use_sockets = True", "listen_fds = True",
    )  # fmt: skip
    with room(tmp_path) as here:
        stack = here.circusd(file)
        told = ask(stack.address("web"))
        assert told["env"] == {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "web:other", "LISTEN_PID": str(told["pid"])}
        assert [told["pid"]] == stack.pids("w"), "the pid is the program's own, not that of a shell before it"
        assert stack.stop() == 0


def test_two_watchers_in_one_file_are_offered_their_own_sockets(tmp_path: Path, short_path: Path) -> None:
    file = ini(
        short_path,
        "[socket:web]", "host = 127.0.0.1", "port = 0",
        "[socket:fast]", "host = 127.0.0.1", "port = 0", "so_reuseport = True",
        "[watcher:all]", "cmd = SERVER", "use_sockets = True", "listen_fds = True",
        "[watcher:one]", "cmd = SERVER", "use_sockets = True", "listen_fds = fast", "numprocesses = 2",
    )  # fmt: skip
    with room(tmp_path) as here:
        stack = here.circusd(file)
        wait_active(stack, "one", 2)
        assert ask(stack.address("web"))["env"]["LISTEN_FDNAMES"] == "web"
        # Each answers: no connection waits at a lane of whom does not serve it.
        told = [ask(stack.address("fast")) for _ in range(40)]
        assert {each["env"]["LISTEN_FDNAMES"] for each in told} == {"fast"}
        assert {each["pid"] for each in told} <= set(stack.pids("one"))
        assert stack.stop() == 0


def test_sockets_of_a_supervisor_are_taken_and_its_variables_stay_here(tmp_path: Path, short_path: Path) -> None:
    file = ini(
        short_path,
        "[socket:web]", "host = 127.0.0.1", "port = 0",
        "[watcher:w]", "cmd = SERVER $(circus.sockets.web)", "use_sockets = True", "copy_env = True",
    )  # fmt: skip
    supervisor = (
        "import os, sys; os.environ['LISTEN_PID'] = str(os.getpid());"
        "os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])"
    )
    with room(tmp_path) as here, socket.create_server(("127.0.0.1", 0)) as server:
        os.set_inheritable(server.fileno(), True)
        program = Program(
            [sys.executable, "-c", supervisor, str(server.fileno()), str(BIN / "circusd"), file],
            tmp_path / "log",
            env={"LISTEN_FDS": "1", "LISTEN_FDNAMES": "web"},
            base_env=here.environ,
            pass_fds=(server.fileno(),),
        )
        stack = here.adopt(program)
        wait_active(stack, "w", 1)
        told = ask(server.getsockname())
        assert stack.address("web") == server.getsockname()
        assert told["env"] == {}
        assert stack.stop() == 0


def test_each_process_has_a_socket_and_none_is_lost_when_one_goes(tmp_path: Path, short_path: Path) -> None:
    file = ini(
        short_path,
        "[socket:web]", "host = 127.0.0.1", "port = 0", "so_reuseport = True",
        "[watcher:w]", "cmd = SERVER", "args = $(circus.sockets.web) $(circus.wid)", "use_sockets = True",
        "numprocesses = 3",
    )  # fmt: skip
    with room(tmp_path) as here:
        stack = here.circusd(file)
        pids = wait_active(stack, "w", 3)
        address = stack.address("web")
        fds: dict[int, int] = {}

        def all_answered() -> bool:
            told = ask(address)
            fds[told["pid"]] = told["fd"]
            return len(fds) == 3

        wait_until(all_answered, "an answer of each process", pause_s=0, detail=lambda: fds)
        assert len(set(fds.values())) == 3
        os.kill(pids[0], 9)
        [successor] = set(wait_until(lambda: _others(stack, pids), "a successor")) - set(pids)

        def successor_answers() -> bool:
            told = ask(address)
            return bool(told["pid"] == successor and told["fd"] == fds[pids[0]])

        wait_until(successor_answers, "the successor on the socket of whom it follows", pause_s=0)
        stack.call("decr", name="w", nb=1, waiting=True)
        left = wait_active(stack, "w", 2)
        assert {ask(address)["pid"] for _ in range(100)} == set(left)
        stack.call("decr", name="w", nb=1, waiting=True)
        assert {ask(address)["pid"] for _ in range(50)} == set(wait_active(stack, "w", 1))
        assert stack.stop() == 0


def _others(stack: RunningStack, pids: list[int]) -> list[int] | None:
    now = stack.pids("w")
    return now if len(now) == 3 and now != pids and not {pids[0]} & set(now) else None


def test_options_of_a_spawn_reach_the_process(tmp_path: Path, short_path: Path) -> None:
    out = short_path / "out"
    file = ini(
        short_path,
        "[socket:in]", f"path = {short_path}/i",
        "[watcher:sh]",
        f'cmd = echo "$0 $1 $(circus.wid)" $(ulimit -n) | cat > {out}.new && mv {out}.new {out}; exec sleep 600',
        "shell = True", "shell_args = zero one", "rlimit_nofile = 77", "copy_env = True",
        "[watcher:inetd]", "cmd = SERVER 0", "stdin_socket = in",
        "[watcher:slots]", "cmd = sleep 600", "numprocesses = 3",
    )  # fmt: skip
    with room(tmp_path) as here:
        stack = here.circusd(file)
        wait_until(out.exists, "the output", detail=stack.output)
        assert out.read_text() == "zero one 1 77\n"
        assert ask(f"{short_path}/i")["fd"] == 0
        slots = {info["wid"]: int(pid) for pid, info in stack.call("stats", name="slots")["info"].items()}
        assert sorted(slots) == [1, 2, 3]
        os.kill(slots[2], 9)
        pids = wait_until(lambda: _without(stack, slots[2]), "a successor in the free slot", detail=stack.output)
        infos = stack.call("stats", name="slots")["info"]
        assert sorted(infos[str(pid)]["wid"] for pid in pids) == [1, 2, 3]
        assert stack.stop() == 0


def _without(stack: RunningStack, gone: int) -> list[int] | None:
    pids = stack.pids("slots")
    return pids if gone not in pids and len(pids) == 3 else None
