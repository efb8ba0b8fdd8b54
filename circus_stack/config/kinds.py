"""The kinds of value that an option can have: text in, value out. Pure; a parser raises ValueError, nothing else."""

from __future__ import annotations

import re
import signal
from urllib.parse import urlsplit

from msgspec import structs

from circus_stack.config.cron import LEGAL_SCHEDULE, parse_schedule, parse_zone
from circus_stack.config.option import Kind
from circus_stack.config.values import (
    FdKeeperMode,
    HealthScope,
    KillMode,
    MemorySize,
    Overlap,
    Readiness,
    ReadinessForm,
    ReloadMode,
)
from circus_stack.config.words import VARIABLE, split
from circus_stack.literals import MAX_PROCESSES, parse_bool, parse_seconds, parse_whole

# uid_t has 32 bits, and its highest number stands for "no change".
_MAX_ID = 2**32 - 2
_MEMORY = re.compile(r"(\d{1,19}(?:\.\d{1,9})?)\s*(%|percent|[kmgt]?(?:i?b)?)", re.IGNORECASE | re.ASCII)
_MEMORY_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_MAX_MEMORY = 2**63 - 1
_IO_LEVELED = ("realtime", "best-effort")
_IO_CLASSES = (*_IO_LEVELED, "idle", "none")
# Linux's NR_CPUS is 8,192 at most.
_MAX_CPU = 8191
# To look at processes more often than that would cost more than it tells.
_LEAST_INTERVAL_S = 0.1
# Of a delay that grows: ten times as long each time is no schedule any more.
_MOST_FACTOR = 10.0


def _parse_bound(text: str) -> int:
    return parse_whole(text, 1)


def _parse_count(text: str) -> int:
    return parse_whole(text, 0)


def _parse_processes(text: str) -> int:
    return parse_whole(text, 0, MAX_PROCESSES)


def _parse_factor(text: str) -> float:
    return _bounded(text, 1.0, _MOST_FACTOR)


def _parse_fraction(text: str) -> float:
    return _bounded(text, 0.0, 1.0)


def _bounded(text: str, least: float, most: float) -> float:
    number = float(text)
    if not least <= number <= most:
        raise ValueError("out of range")
    return number


def _parse_retries(text: str) -> int:
    return parse_whole(text, -1)


def _parse_port(text: str) -> int:
    return parse_whole(text, 0, 65535)


def _parse_account(text: str) -> str:
    """A name, which only the machine that runs the stack can judge, or a number that the kernel takes."""
    word = text.strip()
    if word.isdigit():
        parse_whole(word, 0, _MAX_ID)
    return word


def parse_signal(text: str) -> int:
    """`10`, `KILL`, `SIGKILL`, `SIGRTMIN+1` -> its number; raises ValueError for a signal that doesn't exist."""
    word = text.strip().upper()
    if word.isdigit():
        # Real-time signals have no name of their own, but for the first and the last.
        if int(word) not in signal.valid_signals():
            raise ValueError("unknown signal")
        return int(word)
    name, _, offset = (word if word.startswith("SIG") else f"SIG{word}").partition("+")
    base = getattr(signal, name, None)
    if not isinstance(base, signal.Signals):
        raise ValueError("unknown signal")
    number = base + (int(offset) if offset else 0)
    return int(signal.Signals(number)) if not offset else _check_realtime(number)


def _check_realtime(number: int) -> int:
    if not signal.SIGRTMIN <= number <= signal.SIGRTMAX:
        raise ValueError("not a real-time signal")
    return number


def parse_words(text: str) -> tuple[str, ...]:
    """Names separated by commas or white space."""
    return tuple(text.replace(",", " ").split())


def parse_request_paths(text: str) -> tuple[str, ...]:
    """Paths of requests, separated by commas or white space."""
    paths = parse_words(text)
    for path in paths:
        if not path.startswith("/") or not path.isascii():
            raise ValueError(f"{path!r} is no path of a request: it begins with a slash, odd characters are %XX")
    return paths


def _parse_offer(text: str) -> bool | tuple[str, ...]:
    """A boolean, or names of sockets."""
    try:
        return parse_bool(text)
    except ValueError:
        names = parse_words(text)
        if not names:
            raise
        return names


def parse_paths(text: str) -> tuple[str, ...]:
    """One path a line, so that a path may hold blanks."""
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def _parse_workers(text: str) -> int:
    """1 or more of them; 0 stands for `auto`."""
    if text.strip().lower() == "auto":
        return 0
    return parse_whole(text, 1, MAX_PROCESSES)


def parse_memory(text: str) -> MemorySize | None:
    """`512M`, `1.5G`, `1048576`, `25%`, `25 percent`; 0 stands for no limit. Units are powers of 1024."""
    match = _MEMORY.fullmatch(text.strip())
    if match is None:
        raise ValueError("not an amount of memory")
    amount, unit = float(match[1]), match[2].upper()
    if unit in ("%", "PERCENT"):
        if amount > 100:
            raise ValueError("more than there is")
        return MemorySize(amount, is_percent=True) if amount else None
    # Through an integer where it is one: a float has 53 bits.
    exact = int(match[1]) if match[1].isdigit() else amount
    number = int(exact * _MEMORY_UNITS[unit.removesuffix("B").removesuffix("I")])
    if number > _MAX_MEMORY:
        raise ValueError("out of range")
    return MemorySize(number) if number else None


def _parse_cpu_share(text: str) -> float | None:
    """`1.5` processors, `150%`, `150 percent`, or the kernel's quota and period in microseconds, `150000 100000`; 0, or
    nothing, stands for no limit."""
    match = _CPU_SHARE.fullmatch(text.strip() or "0")
    if match is None:
        raise ValueError("not a share of processors")
    share = float(match[1])
    if match[2]:
        share /= 100
    if match[3]:
        share /= int(match[3])
    if share and not _LEAST_SHARE <= share <= MAX_PROCESSES:
        raise ValueError("out of range")
    return share or None


def _parse_interval(text: str) -> float:
    seconds = parse_seconds(text)
    if seconds < _LEAST_INTERVAL_S:
        raise ValueError("too short")
    return seconds


def _parse_niceness(text: str) -> int:
    return parse_whole(text, -20, 19)


def _parse_oom_score(text: str) -> int:
    return parse_whole(text, -1000, 1000)


def _parse_io_class(text: str) -> str:
    """`idle`, `best-effort:7`: the class, and the level of those that have one."""
    name, colon, level = text.strip().lower().partition(":")
    if name not in _IO_CLASSES or (colon and name not in _IO_LEVELED):
        raise ValueError("no such class")
    return f"{name}:{parse_whole(level, 0, 7)}" if colon else name


def parse_cpus(text: str) -> tuple[int, ...]:
    """`0-3,6`, or the numbers apart by blanks -> each number, in order."""
    found: set[int] = set()
    for word in parse_words(text):
        first, dash, last = word.partition("-")
        least = parse_whole(first, 0, _MAX_CPU)
        found.update(range(least, parse_whole(last, least, _MAX_CPU) + 1) if dash else (least,))
    return tuple(sorted(found))


def _parse_exit_codes(text: str) -> tuple[int, ...]:
    return tuple(sorted({parse_whole(word, 0, 255) for word in parse_words(text)}))


def _parse_octal(text: str) -> int:
    number = int(text, 8)
    if not 0 <= number <= 0o777:
        raise ValueError("out of range")
    return number


def parse_readiness(text: str) -> Readiness:
    """`notify`, `tcp:HOST:PORT`, `http:URL` (or the bare URL), `exec:CMD`, `delay:S`, or nothing."""
    text = text.strip()
    if not text or text == "none":
        return Readiness()
    if text == "notify":
        return Readiness(ReadinessForm.NOTIFY)
    if text.startswith(("http://", "https://")):
        text = f"http:{text}"
    form, colon, target = text.partition(":")
    if not colon or not target:
        raise ValueError("no target")
    readiness = Readiness(ReadinessForm(form), target)
    _check_target(readiness)
    return readiness


def parse_health(text: str) -> Readiness:
    """`tcp:HOST:PORT`, `http:URL` (or the bare URL), `exec:CMD`, or nothing; variables in it stay as written."""
    sample = parse_readiness(VARIABLE.sub("1", text))
    if sample.form in (ReadinessForm.NOTIFY, ReadinessForm.DELAY):
        raise ValueError("tells nothing of a process that runs")
    text = text.strip()
    target = text if text.startswith(("http://", "https://")) else text.partition(":")[2]
    return Readiness(sample.form, target if sample.target else "")


def _check_target(readiness: Readiness) -> None:
    match readiness.form:
        case ReadinessForm.TCP:
            host, _, port = readiness.target.rpartition(":")
            if not host:
                raise ValueError("no host")
            _parse_port(port)
        case ReadinessForm.HTTP:
            parts = urlsplit(readiness.target)
            # Reading the port raises ValueError where it is none.
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
                raise ValueError("no URL")
        case ReadinessForm.DELAY:
            parse_seconds(readiness.target)
        case ReadinessForm.EXEC:
            split(readiness.target)
        case _:
            raise ValueError("takes no target")


# What the kernel takes at least is a hundredth: 1 ms in 100.
_LEAST_SHARE = 0.01
_CPU_SHARE = re.compile(r"(\d+(?:\.\d+)?)(?: *(%|percent)| +([1-9]\d{0,8}))?", re.ASCII)

SCHEDULE = Kind("schedule", parse_schedule, LEGAL_SCHEDULE)
ZONE = Kind("time zone", parse_zone, "a time zone of this machine, such as UTC or Europe/Berlin")
OVERLAP = Kind(
    "answer to an overlap",
    lambda text: Overlap(text.strip().lower()),
    " or ".join(Overlap),
    tuple(Overlap),
)

FD_KEEPER = Kind(
    "fd keeper",
    lambda text: FdKeeperMode(text.strip().lower()),
    ", ".join(FdKeeperMode),
    tuple(FdKeeperMode),
)
USER = Kind("user", _parse_account, f"the name of a user, or a number from 0 to {_MAX_ID}")
GROUP = Kind("group", _parse_account, f"the name of a group, or a number from 0 to {_MAX_ID}")
TEXT = Kind("text", str, "any text")
BOOL = Kind("boolean", parse_bool, "yes, true, on, 1, no, false, off or 0")
OFFER = Kind("offer of sockets", _parse_offer, f"{BOOL.legal}, or names of sockets separated by commas or blanks")
COUNT = Kind("count", _parse_count, "a whole number, 0 or more")
BOUND = Kind("bound", _parse_bound, "a whole number, 1 or more")
PROCESSES = Kind(
    "number of processes", _parse_processes, f"a whole number, 0 to {MAX_PROCESSES}, or a range as in 2..16"
)
RETRIES = Kind("number of attempts", _parse_retries, "a whole number, 0 or more, or -1 for no limit")
FACTOR = Kind("factor", _parse_factor, f"a number from 1 to {_MOST_FACTOR:g}")
FRACTION = Kind("fraction", _parse_fraction, "a number from 0 to 1")
INT = Kind("whole number", int, "a whole number")
PORT = Kind("port", _parse_port, "0 to 65535 (0: the kernel chooses)")
SECONDS = Kind("number of seconds", parse_seconds, "a number of seconds, 0 or more")
INTERVAL = Kind("interval", _parse_interval, f"a number of seconds, {_LEAST_INTERVAL_S:g} or more")
MEMORY = Kind(
    "amount of memory", parse_memory, "bytes, with K, M, G or T as in 512M, or a share as in 25 percent; 0 for no limit"
)
NICENESS = Kind("niceness", _parse_niceness, "-20 (first) to 19 (last)")
OOM_SCORE = Kind("score", _parse_oom_score, "-1000 (never killed) to 1000 (killed first)")
IO_CLASS = Kind(
    "class of input and output",
    _parse_io_class,
    "idle, best-effort, realtime or none, and the level of the middle two: best-effort:7 (0 is first, 7 last)",
    _IO_CLASSES,
)
CPUS = Kind("list of processors", parse_cpus, "their numbers and ranges, as in 0-3,6")
EXIT_CODES = Kind("list of exit codes", _parse_exit_codes, "numbers from 0 to 255, separated by commas or blanks")
SIGNAL = Kind("signal", parse_signal, "a signal's name or number: TERM, SIGINT, 10, SIGRTMIN+1")
WORDS = Kind("list of names", parse_words, "names separated by commas or blanks")
REQUEST_PATHS = Kind(
    "list of request paths", parse_request_paths, "paths that begin with a slash, separated by commas or blanks"
)
FILES = Kind("list of files", parse_words, "paths of files separated by commas or blanks")
PATHS = Kind("list of paths", parse_paths, "one path a line")
WORKERS = Kind(
    "number of workers",
    _parse_workers,
    f"a whole number, 1 to {MAX_PROCESSES}, auto, or a range as in 2..16",
    ("auto",),
)
OCTAL = Kind("file mode", _parse_octal, "an octal number, 0 to 777")
READINESS = Kind(
    "form of readiness", parse_readiness, "notify, tcp:HOST:PORT, http:URL, exec:CMD, delay:SECONDS or none"
)
HEALTH = Kind(
    "health probe",
    parse_health,
    "tcp:HOST:PORT, http:URL, exec:CMD or none, in which $(circus.wid) and $(circus.pid) stand for a process's own",
)
HEALTH_SCOPE = Kind(
    "health scope", lambda text: HealthScope(text.strip()), "watcher or process", tuple(map(str, HealthScope))
)
RELOAD_MODE = Kind(
    "reload mode",
    lambda text: ReloadMode(text.strip()),
    "rolling, restart, hup, named or none",
    tuple(map(str, ReloadMode)),
)

CPU_SHARE = Kind(
    "share of processors", _parse_cpu_share, "processors as in 1.5, or 150 percent, from 0.01; 0 for no limit"
)
KILL_MODE = Kind("kill mode", lambda text: KillMode(text.strip()), "all, group or process", tuple(map(str, KillMode)))


def choice(*words: str) -> Kind:
    """One of a few words, in any case; the value is the word as declared."""
    by_lower = {word.lower(): word for word in words}

    def parse(text: str) -> str:
        try:
            return by_lower[text.strip().lower()]
        except KeyError:
            raise ValueError("none of the words") from None

    return Kind("choice", parse, ", ".join(words), words)


MEMORY_KIND = structs.replace(choice("pss", "rss"), name="way to count memory")
