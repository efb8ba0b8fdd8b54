"""Starts the process of an arbiter beside a program that gevent has patched, and follows it; other greenlets run
meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

from gevent.fileobject import FileObject
from gevent.subprocess import Popen, TimeoutExpired

from circus_stack.api.arbiter_process import PROGRAM, Orders
from circus_stack.api.embedding import OnBound
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.errors import CircusStackError

# How long the process may take to stop its watchers, once the program wants it gone.
_PATIENCE_S = 120.0
_PLAIN = (str, int, float, bool, type(None))


def run_beside(stack: StackConfig, source: str, *, on_bound: OnBound, on_up: Callable[[], None]) -> None:
    """Run until somebody asks for the end. Raises CircusStackError where it can't start, or where its process dies."""
    _check_portable(stack)
    with contextlib.ExitStack() as opened:
        child, lifeline, report = _start(opened)
        with contextlib.suppress(BrokenPipeError):
            lifeline.write(pickle.dumps(Orders(stack, source)))
            lifeline.flush()
        error = _follow(report, on_bound, on_up)
        code = child.wait()
    if error or code != 0:
        raise CircusStackError(error or f"the arbiter's process has ended with the exit code {code}")


def _start(opened: contextlib.ExitStack) -> tuple[Any, Any, Any]:
    told, lifeline = os.pipe()
    report, reported = os.pipe()
    try:
        argv = [sys.executable, "-c", PROGRAM, json.dumps(sys.path), str(told), str(reported)]
        # A group of its own: Ctrl-C is the program's affair, which then calls `stop`, or ends.
        child = Popen(argv, pass_fds=(told, reported), process_group=0)
    except BaseException:
        os.close(lifeline)
        os.close(report)
        raise
    finally:
        os.close(told)
        os.close(reported)
    opened.enter_context(_ended(child))
    # Closed before the process is waited for: that is what tells it that the program wants it gone.
    return child, opened.enter_context(FileObject(lifeline, "wb")), opened.enter_context(FileObject(report, "rb"))


@contextlib.contextmanager
def _ended(child: Any) -> Iterator[None]:
    try:
        yield
    finally:
        try:
            child.wait(_PATIENCE_S)
        except TimeoutExpired:
            child.kill()
            child.wait()


def _follow(report: Any, on_bound: OnBound, on_up: Callable[[], None]) -> str:
    """Hand on what the process tells until it is silent; the error that it ended with, if any."""
    error = ""
    for line in report:
        told = json.loads(line)
        if "bound" in told:
            on_bound(*told["bound"])
        elif "up" in told:
            on_up()
        error = told.get("error", error)
    return error


def _check_portable(stack: StackConfig) -> None:
    """Objects and functions of the program itself can't go to another process. Raises CircusStackError."""
    for watcher in stack.watchers:
        for name, hook in watcher.hooks.items():
            if hook.callable.startswith("__main__."):
                raise CircusStackError(
                    f"{watcher.name}: hooks.{name} is {hook.callable}, of the program itself, which the arbiter's own "
                    "process cannot import; legal: a function of a module"
                )
        for option, value in _stream_options(watcher):
            if not isinstance(value, _PLAIN):
                raise CircusStackError(
                    f"{watcher.name}: {option} is an object of the program itself, and the arbiter runs in a "
                    "process of its own; legal: a class by its name, and plain options"
                )


def _stream_options(watcher: WatcherConfig) -> Iterator[tuple[str, object]]:
    for name in ("stdout_stream", "stderr_stream"):
        stream = getattr(watcher, name)
        if stream is not None:
            yield from ((f"{name}.{key}", value) for key, value in stream.options.items())
