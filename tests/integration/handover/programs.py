"""Programs that write numbered lines, and a look at what became of them."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tests.integration.serve.projects import script
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

# A line every 2 ms, in two writes: half of them are unfinished at any moment.
COUNTING = """\
import itertools, os, sys, time
name = sys.argv[1]
for number in itertools.count():
    os.write(1, b"%s %d " % (name.encode(), number))
    time.sleep(0.001)
    os.write(1, b"end\\n")
    time.sleep(0.001)
"""


def counting(directory: Path) -> str:
    """The command of a program that writes numbered lines for ever; its argument is the name in them."""
    return script(directory, "counting", COUNTING)


def numbers(text: str, name: str) -> list[int]:
    """The numbers of the whole lines of that name, in their order."""
    return [int(found) for found in re.findall(rf"\b{re.escape(name)} (\d+) end$", text, re.MULTILINE)]


def written(directory: Path, stem: str) -> str:
    """A rotated file and all its old ones, oldest first."""
    old = sorted(directory.glob(f"{stem}.*"), key=lambda path: -int(path.suffix[1:]))
    return "".join(path.read_text() for path in (*old, directory / stem))


def upgrade(stack: RunningStack, *more: str) -> str:
    """`circusctl upgrade`, which must succeed; what it printed."""
    done = stack.room.run("circusctl", "--timeout", "30", "upgrade", *more, timeout_s=120)
    assert done.returncode == 0, done.stdout + done.stderr + stack.output()
    return done.stdout


def refused(stack: RunningStack, *more: str) -> str:
    """`circusctl upgrade`, which must be refused; the reason."""
    done = stack.room.run("circusctl", "--timeout", "30", "upgrade", *more, timeout_s=120)
    assert done.returncode == 3, done.stdout + done.stderr + stack.output()
    return done.stderr


def wait_written(stack: RunningStack, count: int, look: str, name: str) -> None:
    """Until the stack's output, or the file at `look`, has so many more lines of that name."""

    def lines() -> int:
        text = Path(look).read_text() if look else stack.output()
        return len(numbers(text, name))

    before = lines()
    wait_until(lambda: lines() >= before + count, f"{count} more lines of {name}", pause_s=0.05)
    # A moment in the middle of a line is as good as any other.
    time.sleep(0.0005)
