"""What one worker serves beside other servers' one worker: hello world, its processor its own, wrk on another.

    python -m benchmarks.serving_contestants [--rounds 5] [--seconds 2] [--only NAME]...

All contestants are up at once and are asked in turn, round after round, with wrk's own headers and with ten as browsers
send them; figures are medians over the rounds, ratios are made within a round. Our limits and timeouts are all on. The
others are installed into a virtual environment of their own (bjoern needs Debian's libev-dev). The exit status is 1
where a target of the issue "Chaussette" is missed. Beside others' load root can run it under `chrt -r 10`.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Sequence
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
HEADERS = {"wrk": (), "browser": _BROWSER}
# (ours, theirs, at least so many times as fast)
TARGETS = (
    ("fastgevent", "gunicorn", 8.0),
    ("fastgevent", "granian", 1.0),
    ("fastgevent", "bjoern", 0.6),
    ("gevent", "gunicorn", 1.2),
)
_SERVER_CPU, _WRK_CPU = 0, 1

Rates = dict[str, list[float]]


def rate(contestant: Contestant, headers: Sequence[str], seconds: float) -> float:
    """Requests a second."""
    with wrk(contestant.port, headers=headers, cpu=_WRK_CPU) as report:
        time.sleep(seconds)
    if report.errors or report.not_2xx:
        raise RuntimeError(f"{contestant.name} failed requests:\n{report.text}")
    return report.requests_per_s


def race(contestants: Sequence[Contestant], headers: Sequence[str], rounds: int, seconds: float) -> Rates:
    """The rates of each contestant, a round each; the first round, which warms them up, is not counted."""
    rates: Rates = {each.name: [] for each in contestants}
    for number in range(rounds + 1):
        for each in contestants:
            found = rate(each, headers, seconds if number else min(seconds, 0.5))
            if number:
                rates[each.name].append(found)
    return rates


def judge(label: str, rates: Rates) -> bool:
    """Print the medians and the ratios; whether all targets are met."""
    for name, found in rates.items():
        print(f"{label:8} {name:11} {median(found):9.0f} requests/s   {' '.join(f'{each:.0f}' for each in found)}")
    met = True
    for mine, theirs, least in TARGETS:
        if mine in rates and theirs in rates:
            ratio = median([a / b for a, b in zip(rates[mine], rates[theirs], strict=True)])
            met &= ratio >= least
            print(f"{label:8} {mine} / {theirs} = {ratio:.2f}  (>= {least:g}: {'ok' if ratio >= least else 'MISSED'})")
    return met


def weigh(contestants: Sequence[Contestant]) -> bool:
    """Print what each holds after the load; whether ours are no larger than gunicorn's worker."""
    resident = {}
    for each in contestants:
        resident[each.name], shared = each.memory_mib()
        print(
            f"memory   {each.name:11} {resident[each.name]:6.1f} MiB resident, {shared:6.1f} MiB PSS of all processes"
        )
    most = resident.get("gunicorn")
    mine = [resident[name] for name in ("fastgevent", "gevent") if name in resident]
    if most is None or not mine:
        return True
    met = max(mine) <= most
    print(f"memory   ours {max(mine):.1f} <= gunicorn's worker {most:.1f} MiB: {'ok' if met else 'MISSED'}")
    return met


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", action="append", choices=CONTESTANTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csc") as directory, contextlib.ExitStack() as stack:
        home = Path(directory)
        (home / "hello.py").write_text(_APP)
        names = options.only or list(CONTESTANTS)
        contestants = [stack.enter_context(running(name, home, _SERVER_CPU)) for name in names]
        results = [
            judge(label, race(contestants, headers, options.rounds, options.seconds))
            for label, headers in HEADERS.items()
        ]
        results.append(weigh(contestants))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
