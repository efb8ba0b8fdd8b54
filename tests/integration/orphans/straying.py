"""Programs whose children go their own ways. Each child that is to be found writes `PID START` into a file."""

from __future__ import annotations

from pathlib import Path

from circus_stack.system.process_table import Entry, is_alive, read_entry
from tests.support.waiting import wait_until

# Shared by the programs below: a child of a child that is in a session of its own and whose parent is gone.
_DETACH = """\
import os, signal, sys, time
folder = sys.argv[1]
def note(name):
    path = os.path.join(folder, f"{name}.{os.getpid()}")
    with open(path + ".new", "w") as file:
        file.write("x")
    os.rename(path + ".new", path)
def detach(name, act):
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    for fd in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), fd)
    act(name)
    os._exit(0)
def sleep(name):
    note(name)
    time.sleep(600)
def on_term(name, then):
    signal.signal(signal.SIGTERM, then)
    sleep(name)
def asked(signum, frame):
    note("asked")
    os._exit(0)
"""
# A daemon that goes when it is asked to.
POLITE = _DETACH + "detach('daemon', lambda name: on_term(name, asked))\ntime.sleep(600)\n"
# A daemon that doesn't.
STUBBORN = _DETACH + "detach('daemon', lambda name: on_term(name, signal.SIG_IGN))\ntime.sleep(600)\n"
# A child in a session of its own that has thrown its environment away, but not its parent.
NAKED = _DETACH + (
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "    note('daemon')\n"
    "    os.execve('/bin/sleep', ['sleep', '600'], {})\n"
    "time.sleep(600)\n"
)
# A daemon that has thrown its environment away, too: nothing tells any more whose it is.
LOST = _DETACH + (
    "def lose(name):\n"
    "    note(name)\n"
    "    os.execve('/bin/sleep', ['sleep', '600'], {})\n"
    "detach('daemon', lose)\n"
    "time.sleep(600)\n"
)
# A child in the process group of its parent, and a daemon.
HELPERS = _DETACH + (
    "if os.fork() == 0:\n    on_term('member', asked)\n"
    "detach('daemon', lambda name: on_term(name, asked))\ntime.sleep(600)\n"
)
# Chains of processes that fork, hand on and end, each link in a session of its own: their pids are others many times
# a second. Bounded in number by the tokens in a pipe, and in time. Each link lives for so many seconds, and makes a
# file longer by a byte.
BOMB = (
    _DETACH
    + """\
chains, life, least = int(sys.argv[2]), float(sys.argv[3]), 5
beat = os.open(os.path.join(folder, "beat"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
read, write = os.pipe()
os.write(write, b"x" * chains)
end = time.monotonic() + 100
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def link(length):
    while time.monotonic() < end:
        os.setsid() if os.getpid() != os.getsid(0) else None
        if length == least:
            note("link")
        os.write(beat, b".")
        time.sleep(life)
        if os.fork():
            os._exit(0)
        length += 1
for _ in range(chains):
    os.read(read, 1)
    if os.fork() == 0:
        link(0)
        os._exit(0)
time.sleep(600)
"""
)


def noted(folder: Path, name: str, count: int = 1) -> list[Entry]:
    """Wait for so many of that name; those of them that can still be seen in the table of processes."""

    def there() -> list[int] | None:
        pids = [int(each.suffix[1:]) for each in folder.glob(f"{name}.*") if each.suffix != ".new"]
        return pids if len(pids) >= count else None

    found = map(read_entry, wait_until(there, f"{count} of {name} in {folder}"))
    return [entry for entry in found if entry is not None]


def wait_gone(entries: list[Entry], detail: object = "") -> None:
    """Wait until none of them is alive."""
    wait_until(lambda: not any(map(is_alive, entries)), "the end of all strays", detail=lambda: detail)
