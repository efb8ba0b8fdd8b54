"""set: every key, good and bad, and what `get` says of it afterwards."""

from __future__ import annotations

from typing import Any

from tests.compat.step import Step, step

_GOOD: tuple[tuple[str, Any], ...] = (
    ("numprocesses", 3),
    ("numprocesses", -1),
    ("numprocesses", 2),
    ("warmup_delay", 0.1),
    ("warmup_delay", 0),
    ("working_dir", "/"),
    ("uid", 0),
    ("gid", 0),
    ("uid", "root"),
    ("send_hup", True),
    ("send_hup", False),
    ("stop_signal", 2),
    ("stop_signal", 15),
    ("stop_children", True),
    ("stop_children", False),
    ("shell", False),
    ("env", {"A": "b"}),
    ("env", {}),
    ("cmd", "sleep 601"),
    ("args", "602"),
    ("args", ""),
    ("graceful_timeout", 3),
    ("graceful_timeout", 2.5),
    ("max_age", 4000),
    ("max_age_variance", 40),
    ("max_age", 0),
)
# What Circus accepts and forgets: the new value counts here, from the next process on.
_FORGOTTEN: tuple[tuple[str, Any], ...] = (
    ("max_retry", 4),
    ("respawn", True),
    ("copy_env", True),
    ("close_child_stdin", True),
    ("close_child_stdout", True),
    ("close_child_stderr", True),
    ("rlimit_nofile", 400),
    ("rlimit_core", None),
    ("retry_in", 3),
    ("singleton", False),
)
_BAD: tuple[tuple[str, Any], ...] = (
    ("numprocesses", "many"),
    ("numprocesses", 1.5),
    ("warmup_delay", "long"),
    ("graceful_timeout", "long"),
    ("stop_signal", "TERM"),
    ("send_hup", "yes"),
    ("shell", 1),
    ("copy_env", "no"),
    ("respawn", "no"),
    ("uid", 1.5),
    ("uid", "no-such-user"),
    ("gid", "no-such-group"),
    ("env", "A=b"),
    ("env", {"A": 1}),
    ("max_age", "old"),
    ("max_retry", "often"),
    ("hooks", "f"),
    ("hooks", {"before_nothing": "os.getpid"}),
    ("hooks.before_start", "no.such.module"),
    ("rlimit_nothing", 3),
    ("rlimit_nofile", "many"),
    ("stdout_stream", "f"),
    ("nothing", 1),
    ("priority", 3),
    ("use_sockets", True),
    ("flapping.window", 4),
)


def _set(number: int, key: str, value: Any, watcher: str) -> tuple[Step, ...]:
    return (
        step(f"set {key} #{number}", "set", name=watcher, options={key: value}, waiting=True),
        step(f"get {key} #{number}", "get", name=watcher, keys=[key]),
    )


_EACH = [each for number, (key, value) in enumerate(_GOOD) for each in _set(number, key, value, "web")]
_SILENT = [each for number, (key, value) in enumerate(_FORGOTTEN, 100) for each in _set(number, key, value, "web")[:1]]
# One that no other step looks at: ours takes some of them.
_REFUSED = [each for number, (key, value) in enumerate(_BAD, 200) for each in _set(number, key, value, "spare")[:1]]

SETTING: tuple[Step, ...] = (
    *_EACH,
    *_SILENT,
    *_REFUSED,
    step("list after all settings", "list", name="web"),
    step("options after all settings", "options", name="web"),
    step("set, not waiting", "set", name="web", options={"numprocesses": 1}),
    step("list after set", "list", name="web"),
    step("set of several", "set", name="web", options={"numprocesses": 2, "graceful_timeout": 4}, waiting=True),
    step("set of nothing", "set", name="web", options={}, waiting=True),
    step("set of what is no object", "set", name="web", options=[1]),
    step("set without options", "set", name="web"),
    step("set without a name", "set", options={"numprocesses": 1}),
    step("set of nobody", "set", name="nobody", options={"numprocesses": 1}),
    step("set of a singleton", "set", name="single", options={"numprocesses": 2}, waiting=True),
    step("set of a singleton to none", "set", name="single", options={"numprocesses": 0}, waiting=True),
    step("set of a singleton to one", "set", name="single", options={"numprocesses": 1}, waiting=True),
    step("set of a stopped one", "set", name="idle", options={"cmd": "sleep 700"}, waiting=True),
    step("status of what was set and is stopped", "status", name="idle"),
    step("set a stream", "set", name="full", options={"stdout_stream.max_bytes": 2000}, waiting=True),
    step("set a stream's file", "set", name="full", options={"stdout_stream.filename": "@dir@/new.log"}, waiting=True),
    step("set a stream anew", "set", name="web", options={"stderr_stream.class": "StdoutStream"}, waiting=True),
    step("set a stream to a wrong class", "set", name="full", options={"stdout_stream.class": "NoStream"}),
    step("options after streams", "options", name="full"),
    step("set a hook", "set", name="web", options={"hooks.before_signal": "os.getpid"}, waiting=True),
    step("set a hook, ignoring", "set", name="web", options={"hooks.after_signal": "os.getpid,true"}, waiting=True),
    step("set hooks", "set", name="web", options={"hooks": {"before_stop": "os.getpid"}}, waiting=True),
)
