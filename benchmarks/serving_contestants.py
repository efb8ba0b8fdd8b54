"""What one worker serves beside other servers' one worker: hello world, its processor its own, wrk on another.

    python -m benchmarks.serving_contestants [--rounds 5] [--seconds 2] [--only NAME]... [--by-cpu]

All contestants are up at once and are asked in turn, round after round: with wrk's own headers, with ten as browsers
send them, and with ten of which two differ with each request, so that nothing was seen before. Figures are medians over
the rounds, ratios are made within a round. Our limits and timeouts are all on. The others are installed into a virtual
environment of their own (bjoern needs Debian's libev-dev). The exit status is 1 where a target of the issue
"Chaussette" is missed. Beside others' load root can run it under `chrt -r 10`, with many short rounds and `--by-cpu`:
that judges what each serves with a second of its processor, by its best round.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .contestants import CONTESTANTS, Contestant, running
from .running_stack import median
from .wrk import wrk

_APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "13")])
    return [b"Hello, world!"]
"""
_BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Referer: http://127.0.0.1/notes/1",
    "Connection: keep-alive",
    "Cookie: session=f3a9c1d27be04c6c8d51a2b3; theme=dark",
    "Upgrade-Insecure-Requests: 1",
    "Sec-Fetch-Mode: navigate",
    'If-None-Match: W/"5f-18c0"',
)
HEADERS = {"wrk": (), "browser": _BROWSER, "unique": _BROWSER}
# The request of wrk's own thread: two of the headers never come twice.
_UNIQUE = """
local count = 0
request = function()
  count = count + 1
  wrk.headers["X-Request-Id"] = string.format("%08x-%d", count * 2654435761 % 4294967296, count)
  wrk.headers["Cookie"] = "session=" .. count .. "; theme=dark"
  return wrk.format()
end
"""
_UNTARGETED = "unique"
# (ours, theirs, at least so many times as fast)
TARGETS = (
    ("fastgevent", "gunicorn", 8.0),
    ("fastgevent", "granian", 1.0),
    ("fastgevent", "bjoern", 0.6),
    ("gevent", "gunicorn", 1.2),
)
_SERVER_CPU, _WRK_CPU = 0, 1


@dataclass(frozen=True)
class Asked:
    """How to measure; `by_cpu`: requests a second of the server's processor, not of the clock."""

    rounds: int
    seconds: float
    by_cpu: bool


Rates = dict[str, list[float]]


def cpu_seconds(contestant: Contestant) -> float:
    """What its processes have used of a processor."""
    return sum(sum(each.cpu_times()[:2]) for each in contestant.family())


def rate(contestant: Contestant, headers: Sequence[str], script: Path | None, asked: Asked) -> float:
    """Requests a second, of the clock or of the processor."""
    began = cpu_seconds(contestant)
    with wrk(contestant.port, headers=headers, cpu=_WRK_CPU, script=script) as report:
        time.sleep(asked.seconds)
    if report.errors or report.not_2xx:
        raise RuntimeError(f"{contestant.name} failed requests:\n{report.text}")
    return report.requests / (cpu_seconds(contestant) - began) if asked.by_cpu else report.requests_per_s


def race(contestants: Sequence[Contestant], headers: Sequence[str], script: Path | None, asked: Asked) -> Rates:
    """The rates of each contestant, a round each; the first round, which warms them up, is not counted."""
    rates: Rates = {each.name: [] for each in contestants}
    for number in range(asked.rounds + 1):
        for each in contestants:
            found = rate(each, headers, script, asked)
            if number:
                rates[each.name].append(found)
    return rates


def judge(label: str, rates: Rates, by_cpu: bool) -> bool:
    """Print the figures and the ratios; whether all targets are met."""
    unit = "requests/CPU s" if by_cpu else "requests/s"
    for name, found in rates.items():
        figure = max(found) if by_cpu else median(found)
        print(f"{label:8} {name:11} {figure:9.0f} {unit}   {' '.join(f'{each:.0f}' for each in found)}")
    met = True
    for mine, theirs, least in TARGETS:
        if mine in rates and theirs in rates:
            ratio = ratio_of(rates[mine], rates[theirs], by_cpu)
            is_met = ratio >= least or label == _UNTARGETED
            word = "no target" if label == _UNTARGETED else f">= {least:g}: {'ok' if is_met else 'MISSED'}"
            met &= is_met
            print(f"{label:8} {mine} / {theirs} = {ratio:.2f}  ({word})", flush=True)
    return met


def ratio_of(mine: Sequence[float], theirs: Sequence[float], by_cpu: bool) -> float:
    """Of the best rounds, or the median of the rounds' own ratios."""
    if by_cpu:
        return max(mine) / max(theirs)
    return median([a / b for a, b in zip(mine, theirs, strict=True)])


def weigh(contestants: Sequence[Contestant]) -> bool:
    """Print what each holds after the load; whether ours are no larger than gunicorn's.

    Both of gunicorn's figures count: its worker's own, and that of all its processes. The worker was forked from a
    master that had imported most of it, so that its resident memory lacks the libraries that only the master has run.
    """
    weights = {each.name: each.weight() for each in contestants}
    for name, found in weights.items():
        print(
            f"memory   {name:11} worker {found.rss_mib:5.1f} MiB resident, {found.pss_mib:5.1f} PSS, "
            f"{found.uss_mib:5.1f} USS; largest process {found.largest_mib:5.1f} resident; "
            f"all processes {found.all_pss_mib:5.1f} PSS"
        )
    theirs = weights.get("gunicorn")
    met = True
    for name in ("fastgevent", "gevent"):
        mine = weights.get(name)
        if mine is None or theirs is None:
            continue
        is_met = mine.rss_mib <= theirs.largest_mib and mine.all_pss_mib <= theirs.all_pss_mib
        met &= is_met
        print(f"memory   {name}: no larger than gunicorn's: {'ok' if is_met else 'MISSED'}")
    return met


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--by-cpu", action="store_true")
    parser.add_argument("--only", action="append", choices=CONTESTANTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csc") as directory, contextlib.ExitStack() as stack:
        home = Path(directory)
        (home / "hello.py").write_text(_APP)
        names = options.only or list(CONTESTANTS)
        contestants = [stack.enter_context(running(name, home, _SERVER_CPU)) for name in names]
        script = home / "unique.lua"
        script.write_text(_UNIQUE)
        asked = Asked(options.rounds, options.seconds, options.by_cpu)
        results = [
            judge(label, race(contestants, headers, script if label == "unique" else None, asked), asked.by_cpu)
            for label, headers in HEADERS.items()
        ]
        results.append(weigh(contestants))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
