"""In which session a forked worker is before it has one of its own: never in its zygote's."""

from __future__ import annotations

import subprocess
import sys

# A worker says whose session it is in before it has done anything for itself.
CODE = """\
import os
from chaussette.zygote.forking import fork_all

read, write = os.pipe()
outcome = fork_all(2)
if isinstance(outcome, int):
    os.write(write, f"{os.getpid()} {os.getsid(0)} {os.getpgid(0)}\\n".encode())
    os._exit(0)
os.close(write)
with open(read) as said:
    print(os.getpid(), os.getsid(0), os.getpgid(0), *outcome[0], said.read())
"""


def test_a_midwife_has_a_session_of_her_own_and_so_have_her_workers():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=True, start_new_session=True
    )
    first, *lines = done.stdout.split("\n")
    zygote, session, group, *pids = map(int, first.split()[:5])
    assert zygote == session == group
    workers = [list(map(int, line.split())) for line in [" ".join(first.split()[5:]), *lines] if line]
    assert sorted(pid for pid, _, _ in workers) == sorted(pids)
    for _, its_session, its_group in workers:
        assert its_session not in (0, session)
        assert its_group not in (0, group)
