"""signal: to all, to one, to children; names and numbers; what is refused."""

from __future__ import annotations

from tests.compat.step import Pid, Step, step

_GONE = 4_194_000

SIGNALLING: tuple[Step, ...] = (
    step("signal", "signal", name="web", signum="CONT"),
    step("signal by its full name", "signal", name="web", signum="SIGCONT"),
    step("signal in small letters", "signal", name="web", signum="cont"),
    step("signal by number", "signal", name="web", signum=18),
    step("signal by the text of a number", "signal", name="web", signum="18"),
    step("signal to one", "signal", name="web", pid=Pid("web"), signum="CONT"),
    step("signal to what is not there", "signal", name="web", pid=_GONE, signum="CONT"),
    step("signal to children", "signal", name="family", signum="CONT", children=True),
    step("signal to a family", "signal", name="family", signum="CONT", recursive=True),
    step("signal to one's children", "signal", name="family", pid=Pid("family"), signum="CONT", children=True),
    step("signal to the children of none", "signal", name="web", pid=_GONE, signum="CONT", children=True),
    step("signal to a child of nobody", "signal", name="web", childpid=_GONE, signum="CONT"),
    step("signal to no child", "signal", name="family", pid=Pid("family"), childpid=_GONE, signum="CONT"),
    step("signal without a signal", "signal", name="web"),
    step("signal without a name", "signal", signum="CONT"),
    step("signal of nobody", "signal", name="nobody", signum="CONT"),
    step("signal by no name", "signal", name="web", signum="NOTHING"),
    step("signal by a wrong number", "signal", name="web", signum=1000),
    step("signal of a real-time kind", "signal", name="idle", signum="SIGRTMIN+1"),
    step("signal to a stopped one", "signal", name="idle", signum="CONT"),
)
