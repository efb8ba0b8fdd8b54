"""wrk as the generator: one load of some seconds, told in numbers by a script of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..scenario import Ask, Scenario
from .measured import Load, LoadError

_MARK = "circus-stack-bench "
# What wrk may take beyond its seconds: to connect, to wait for its last answers.
_MARGIN_S = 30.0
# Ends a forgotten wrk; a load without an end is ended by a signal long before.
_MOST_S = 600
# The requests are made once a thread; the figures are wrk's own, which leave out what it was asked to.
_SCRIPT = """
local asks = {}
init = function(args)
%s
end
local count = 0
request = function()
  count = count + 1
  return asks[(count - 1) %% #asks + 1]
end
done = function(summary, latency, requests)
  io.write(string.format('%s{"requests": %%d, "seconds": %%f, "errors": %%d, "closed": %%d, "not_2xx": %%d, '
    .. '"p50_us": %%d, "p95_us": %%d, "p99_us": %%d, "p999_us": %%d}\\n',
    summary.requests, summary.duration / 1e6,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    summary.errors.read, summary.errors.status, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    latency:percentile(99.9)))
end
"""


def script_of(scenario: Scenario) -> str:
    """The Lua that makes these requests. Strings are JSON's, which Lua reads alike for what a header may hold."""
    return _SCRIPT % ("\n".join(map(_lua_ask, scenario.asks)), _MARK)


def _lua_ask(ask: Ask) -> str:
    headers = ", ".join(f"[{_lua(key)}] = {_lua(value)}" for key, value in ask.headers.items())
    body = f"string.rep('x', {ask.body_bytes})" if ask.body_bytes else "nil"
    return f"  table.insert(asks, wrk.format({_lua(ask.method)}, {_lua(ask.path)}, {{{headers}}}, {body}))"


def _lua(text: str) -> str:
    """A string literal of Lua; its escapes are decimal bytes."""
    plain = "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03d}" for byte in text.encode())
    return f'"{plain}"'


def is_here() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


def program() -> str:
    """The path of wrk. LoadError where it isn't installed."""
    found = shutil.which("wrk")
    if found is None:
        raise LoadError("the load comes from wrk, which is not installed: sudo apt-get install wrk")
    return found


@contextlib.contextmanager
def loading(port: int, script: Path, connections: int, cpus: Sequence[int] | None) -> Iterator[Callable[[], Load]]:
    """Load for as long as the block lasts, or until what it yields is called, which ends the load and tells of it.

    LoadError where wrk fails.
    """
    with _started(port, script, _MOST_S, connections, cpus) as process:
        began = time.monotonic()

        def end() -> Load:
            process.send_signal(signal.SIGINT)
            text, used_s = _wait(process, _MARGIN_S)
            return parse(text, used_s / (time.monotonic() - began))

        yield end


def load(port: int, script: Path, seconds: int, connections: int, cpus: Sequence[int] | None) -> Load:
    """One load on 127.0.0.1:`port` by one thread, kept on `cpus`. LoadError where wrk fails."""
    with _started(port, script, seconds, connections, cpus) as process:
        began = time.monotonic()
        text, used_s = _wait(process, seconds + _MARGIN_S)
        return parse(text, used_s / (time.monotonic() - began))


@contextlib.contextmanager
def _started(
    port: int, script: Path, seconds: int, connections: int, cpus: Sequence[int] | None
) -> Iterator[subprocess.Popen[bytes]]:
    argv = ["taskset", "-c", ",".join(map(str, cpus))] if cpus else []
    argv += [program(), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(script)]
    process = subprocess.Popen(
        [*argv, f"http://127.0.0.1:{port}/"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _wait(process: subprocess.Popen[bytes], patience_s: float) -> tuple[str, float]:
    """Its output, and the seconds of a processor that it used."""
    before = os.times()
    try:
        text, _ = process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        raise LoadError(f"wrk did not end within {patience_s:.0f} s") from None
    after = os.times()
    used_s = after.children_user + after.children_system - before.children_user - before.children_system
    return text.decode(errors="replace"), used_s


def parse(text: str, share: float) -> Load:
    """The line of the script. LoadError where there is none."""
    lines = [line.removeprefix(_MARK) for line in text.splitlines() if line.startswith(_MARK)]
    if not lines:
        raise LoadError(f"wrk did not measure: {text.strip()[-500:] or 'it said nothing'}")
    return Load(**json.loads(lines[-1]), share=min(1.0, share))
