"""The names under which events and log lines are published. Pure: text in, text out.

Topics have parts joined by dots, as Circus's have; a subscription is a prefix of a topic.
"""

from __future__ import annotations

EVENTS = "watcher"
LOGS = "logs"
STATS = "stat"
SOCKETS = "sockets"
SOCKETS_TOPIC = f"{STATS}.{SOCKETS}"
STACK_TOPIC = "total.stack"
"""What sums the whole stack up: not below `stat.`, where Circus's clients would take it for a watcher."""

# A subscriber that subscribes to `sync.TOKEN.ready`, last of all, is sent that topic once: whatever it subscribed to
# before is in force by then, so that a snapshot taken afterwards leaves no hole.
SYNC = "sync"


def topic_word(name: str) -> str:
    """A watcher's name as a part of a topic: lower case, blanks as underscores."""
    return name.lower().replace(" ", "_")


def event_topic(watcher: str, event: str) -> str:
    """`watcher.NAME.EVENT`."""
    return f"{EVENTS}.{topic_word(watcher)}.{event}"


def log_topic(watcher: str, pid: int, stream: str) -> str:
    """`logs.NAME.PID.STREAM`."""
    return f"{LOGS}.{topic_word(watcher)}.{pid}.{stream}"


def log_prefix(watcher: str | None = None, pid: int | None = None) -> str:
    """What to subscribe to for all lines, those of a watcher, or those of one of its processes."""
    if watcher is None:
        return f"{LOGS}."
    return f"{LOGS}.{topic_word(watcher)}." if pid is None else f"{LOGS}.{topic_word(watcher)}.{pid}."


def stat_word(watcher: str) -> str:
    """A watcher's name as a part of a topic of statistics. Circus's clients count the dots: there is none in it."""
    return topic_word(watcher).replace(".", "-")


def process_topic(watcher: str, pid: int) -> str:
    """`stat.NAME.PID`."""
    return f"{STATS}.{stat_word(watcher)}.{pid}"


def watcher_topic(watcher: str) -> str:
    """`stat.NAME`."""
    return f"{STATS}.{stat_word(watcher)}"


def socket_topic(fd: int) -> str:
    """`stat.sockets.FD`."""
    return f"{SOCKETS_TOPIC}.{fd}"


def sync_topic(token: str) -> str:
    """`sync.TOKEN.ready`: three parts, so that a client made for Circus can still split it."""
    return f"{SYNC}.{token}.ready"
