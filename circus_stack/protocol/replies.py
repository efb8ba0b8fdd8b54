"""What a success of each command has beside `status`, `time` and `id`: for the reference, and for clients that ask."""

from __future__ import annotations

from collections.abc import Mapping

REPLIES: Mapping[str, str] = {
    "list": "`watchers`, the names in lower case, sorted; of one watcher `pids`.",
    "status": (
        "`statuses` by name; of one watcher its state stands in `status` itself: `active`, `starting`, "
        "`stopping`, `stopped`, `failed`. `seq`, the number of the newest event. Extended, of all: `watchers` "
        "{name: {`wanted`, `range` (null, or {`least`, `most`}), "
        "`processes`, `labels`, `armed`, `dropped_lines`, `detail`, `waits_for`, `degraded_by`, "
        "`failures`, `retry_at`, `last_exit`, `health`, `failed`}}; `details` {name: a line}, `detail` of one watcher: "
        "what the state doesn't tell."
    ),
    "numwatchers": "`numwatchers`.",
    "numprocesses": "`numprocesses`; of one watcher also `watcher_name`.",
    "start": "Waiting and named: `info` {`started`, `kept`}, pids. `job`.",
    "stop": "Waiting and named: `info`, null. `job`.",
    "restart": "Waiting and named: `info` {`stopped`, `started`, `kept`}, pids. `job`.",
    "reload": (
        "Waiting and named: `info` {`stopped`, `started`, `kept`}, pids. `job`. An error where the new processes "
        "did not become ready; the old ones serve on then."
    ),
    "incr": (
        "Waiting: `numprocesses` that are wanted now. `job`. A singleton stays as it is: `numprocesses` and "
        "`singleton`, true."
    ),
    "decr": "As `incr`.",
    "scale": "Waiting: `numprocesses` that are wanted now. `job`. An error, and nothing changed, where it is refused.",
    "signal": "Nothing more.",
    "kill": "`job`. A pid that is gone is no error.",
    "add": "With `start`: `job`; waiting also `started` and `kept`, pids.",
    "rm": "`job`.",
    "set": (
        "`job`. An error, and nothing changed, where an option or a value is refused; waiting also where new "
        "processes did not become ready."
    ),
    "save": (
        "`saved`, the path of the main file; `files`, the paths of those that were written; `changes`, a line for each "
        "thing that was written; `unsaved`, a line for each that no file can say."
    ),
    "jobs": (
        "`jobs`, oldest first: {`id`, `command`, `watchers`, `state`, `asked`, `started`, `ended`, `error`}. No "
        "watcher means all; `state` is `queued`, `running`, `done` or `failed`; times are seconds since the "
        "epoch."
    ),
    "options": "`options` {name: value}, those included that only this stack's file knows.",
    "get": "`options` {name: value}.",
    "stats": (
        "`infos` {watcher: {pid: info}}; of one watcher `name` and `info` {pid: info}; of one process `process` "
        "and `info`."
    ),
    "dstats": "`info`, as one process has it in `stats`.",
    "listsockets": "`sockets`: [{`fd`, `name`, `backlog`, and `host` with `port`, or `path`}].",
    "globaloptions": (
        "`options`: `name`, `pid`, `started_at`, `endpoint`, `pubsub_endpoint`, `stats_endpoint`, `logs_endpoint`, "
        "`multicast_endpoint`, `check_delay`, `fqdn`; `scoreboard`, the path by which a program of this user maps it; "
        "`fd_keeper_pid` (null where none runs)."
    ),
    "logs": "`lines`, oldest first: [{`seq`, `watcher`, `wid`, `pid`, `stream`, `time`, `data`}].",
    "reloadconfig": (
        "Waiting, or with `dry_run`: `changes`, the plan, a line each. `job`. An error leaves everything as it was."
    ),
    "ipython": "`shell`, the kernel's connection file, or false; `msg`, why not, or how to connect.",
    "upgrade": (
        "`job`, which is done once the new arbiter answers; `old_version` and `version`, that of the code which was "
        "rehearsed; `pids` of the processes that it takes over. An error leaves everything as it was."
    ),
    "version": "`version`.",
    "schema": "`options` by section and `commands`, by name.",
    "quit": "Nothing more; waiting when everything is stopped.",
}
