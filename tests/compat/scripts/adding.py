"""add and rm: with options of all kinds, and what is refused."""

from __future__ import annotations

from tests.compat.step import Step, step

_OPTIONS = {
    "numprocesses": 2,
    "warmup_delay": 0,
    "graceful_timeout": 3,
    "env": {"A": "b"},
    "stop_children": True,
    "max_age": 100,
    "working_dir": "/tmp",
    "stdout_stream": {"class": "StdoutStream"},
}

ADDING: tuple[Step, ...] = (
    step("add", "add", name="one", cmd="sleep 600"),
    step("status of what was added", "status", name="one"),
    step("options of what was added", "options", name="one"),
    step("list with what was added", "list"),
    step("start what was added", "start", name="one", waiting=True),
    step("add and start", "add", name="Two", cmd="sleep 600", start=True),
    step("list of what was started", "list", name="two"),
    step("add with args", "add", name="three", cmd="sleep", args=["600"], start=True, waiting=True),
    step("list of what has args", "list", name="three"),
    step("add with args as a text", "add", name="four", cmd="sleep", args="600", start=True, waiting=True),
    step("get args of what was added", "get", name="four", keys=["cmd", "args"]),
    step("add with options", "add", name="five", cmd="sleep 600", options=_OPTIONS, start=True, waiting=True),
    step("options of what has options", "options", name="five"),
    step("list of what has options", "list", name="five"),
    step("add a singleton", "add", name="six", cmd="sleep 600", options={"singleton": True}, start=True, waiting=True),
    step("incr of the singleton", "incr", name="six", waiting=True),
    step("add with empty options", "add", name="seven", cmd="sleep 600", options={}),
    step("add what exists", "add", name="one", cmd="sleep 600"),
    step("add what exists in another case", "add", name="TWO", cmd="sleep 600"),
    step("add without a name", "add", cmd="sleep 600"),
    step("add without a command", "add", name="eight"),
    step("add with no options", "add", name="eight", cmd="sleep 600", options=[1]),
    step("add with an unknown option", "add", name="eight", cmd="sleep 600", options={"nothing": 1}),
    step("add with a bad option", "add", name="eight", cmd="sleep 600", options={"numprocesses": "two"}),
    step("add with a bad limit", "add", name="eight", cmd="sleep 600", options={"rlimit_nothing": 1}),
    step("add a singleton of two", "add", name="eight", cmd="sleep 1", options={"singleton": True, "numprocesses": 2}),
    step("list after all additions", "list"),
    step("rm", "rm", name="one"),
    step("status of what was removed", "status", name="one"),
    step("rm, waiting", "rm", name="Two", waiting=True),
    step("rm in another case", "rm", name="THREE", waiting=True),
    step("rm, left running", "rm", name="four", nostop=True, waiting=True),
    step("rm of several processes", "rm", name="five", waiting=True),
    step("rm of nobody", "rm", name="nobody"),
    step("rm without a name", "rm"),
    step("rm of what is stopped", "rm", name="idle", waiting=True),
    step("list after all removals", "list"),
    step("numprocesses after all removals", "numprocesses"),
    # What Circus refuses or cannot run: nothing looks at the watchers after it.
    step("add with a limit", "add", name="ten", cmd="sleep 600", options={"rlimit_nofile": 300}, start=True),
    step("add of an unknown user", "add", name="nine", cmd="sleep 600", options={"uid": "no-such-user"}, start=True),
    step("quit, waiting", "quit", waiting=True),
)
