"""kill -9 in the midst of an upgrade's exec: whatever was there by then, the next start adopts. The code is a real copy
of ours that ends itself at that point."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.integration.adoption.crash import Stacks, assert_whole, is_alive, kill, wait_processes
from tests.integration.adoption.test_sockets import ask, inode, server
from tests.integration.handover.test_upgrade_refused import Copy
from tests.support.ports import free_port
from tests.support.waiting import wait_until

DIES = "os.kill(os.getpid(), 9)"
EXEC = "        os.execve(command[0], list(command), environ)\n"
ENTRY = 'def circusd() -> None:\n    """The program `circusd`."""\n'
RESUME = "    # Held already by the program before; a child of this one may have been asked for by a signal since.\n"


@pytest.mark.parametrize("moment", ["before", "in the middle", "at its first line", "when all was read"])
def test_the_next_start_adopts(here, moment):
    code, log, port = Copy(here.directory), here.directory / "n.log", free_port()
    flag = here.directory / "flag"
    if moment == "before":
        code.edit("system/reexec.py", EXEC, f"        if os.path.exists({str(flag)!r}): {DIES}\n{EXEC}")
    elif moment == "in the middle":
        # Another image in the same process, in which no line of ours has run.
        sleeps = 'os.execve("/bin/sleep", ["sleep", "600"], environ)'
        code.edit("system/reexec.py", EXEC, f"        if os.path.exists({str(flag)!r}): {sleeps}\n{EXEC}")
    stacks = Stacks(
        here, *server(here), "[socket:web]", "host = 127.0.0.1", f"port = {port}",
        "[watcher:n]", "cmd = NUMBERS 0.002", "numprocesses = 2", f"stdout_stream.filename = {log}",
    )  # fmt: skip
    stack = here.circusd(str(stacks.ini), env={"PYTHONPATH": str(code.directory)})
    numbers, web, bound = wait_processes(stack, "n", 2), wait_processes(stack, "w", 1), inode((None, port))
    if moment == "at its first line":
        resumes = '__import__("os").environ.get("CIRCUS_STACK_HANDOVER", "").startswith("resume")'
        dies = '__import__("os").kill(__import__("os").getpid(), 9)'
        code.edit("cli/entry.py", ENTRY, f"{ENTRY}    if {resumes}: {dies}\n")
    elif moment == "when all was read":
        code.edit("cli/resuming.py", RESUME, f"    {DIES}\n{RESUME}")
    flag.touch()

    stack.send(signal.SIGUSR2)
    if moment == "in the middle":
        wait_until(lambda: Path(f"/proc/{stack.pid}/exe").readlink().name == "sleep", "the exec", detail=stack.output)
        kill(stack)
    assert stack.program.wait_exit() == -signal.SIGKILL
    assert "is executed anew" in stack.output()
    assert all(map(is_alive, (*numbers, *web)))

    stack = stacks.start()

    assert (stack.pids("n"), stack.pids("w")) == (numbers, web)
    assert [ask(("127.0.0.1", port))] == web
    assert inode((None, port)) == bound
    assert stack.stop() == 0
    assert_whole(log)
    here.assert_nothing_left()
