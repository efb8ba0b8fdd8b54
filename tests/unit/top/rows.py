"""Rows that tests of circus-top look at: two watchers, three processes."""

from __future__ import annotations

from circus_stack.client.stats.records import Figures
from circus_stack.top.rows import ProcessRow, SocketRow, StackRow, WatcherRow

WEB = WatcherRow(
    name="web",
    state="active",
    wanted=2,
    restarts=1,
    age=90.0,
    figures=Figures(cpu=31.0, rss=3 * 2**20, rps=12.0, p99=0.25, busy=2),
    processes=(
        ProcessRow(
            pid=12, wid=1, state="ready", age=90.0, command="chaussette app", figures=Figures(cpu=1.0, rss=2**20)
        ),
        ProcessRow(pid=11, wid=2, state="starting", age=3.0, command="chaussette app", figures=Figures(cpu=30.0)),
    ),
)
JOBS = WatcherRow(
    name="Jobs",
    state="failed",
    detail="failed 10 times in 60 s",
    wanted=1,
    figures=Figures(cpu=0.0),
    processes=(ProcessRow(pid=31, wid=1, state="ready", command="sleep 7"),),
)
IDLE = WatcherRow(name="idle", state="stopped", wanted=0)
SHOP = StackRow(
    name="shop",
    source="/srv/shop.ini",
    pid=7,
    started=1000.0,
    time=1200.0,
    figures=Figures(cpu=31.0, rss=3 * 2**20),
    watchers=(WEB, JOBS, IDLE),
    sockets=(SocketRow(name="web", address="127.0.0.1:80", queued=3, limit=128, accepted_per_s=2.5, dropped=1),),
)
