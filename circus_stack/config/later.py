"""Circus's options that this version reads and does not act on yet: each use is warned of, none is ignored silently."""

from __future__ import annotations

from collections.abc import Mapping

from circus_stack.config.document import Entry
from circus_stack.config.problems import Problems

_PLAIN = "is not honoured yet"

CIRCUS: Mapping[str, str] = {
    "debug": "",
    "debug_gc": "",
    "endpoint_owner": "",
    "fqdn_prefix": "",
    "httpd_close_outputs": "",
    "include": "the files that it names are not read",
    "include_dir": "the files that it names are not read",
    "loggerconfig": "",
    "multicast_endpoint": "the arbiter does not answer discovery by multicast",
    "ssh_server": "",
    "statsd_close_outputs": "",
    "stream_backend": "",
}

WATCHER: Mapping[str, str] = {
    "check_flapping": "max_failures and failure_window bound a crash loop",
    "close_child_stderr": "",
    "close_child_stdin": "stdin is /dev/null",
    "close_child_stdout": "",
    "copy_path": "",
    "executable": "",
    "max_age": "processes are not replaced by age",
    "max_age_variance": "",
    "max_retry": "max_failures and failure_window bound a crash loop",
    "on_demand": "the watcher starts with the arbiter",
    "send_hup": "write reload_mode = hup",
    "shell": "the command is executed without a shell; write cmd = sh -c '...'",
    "shell_args": "",
    "stdin_socket": "",
    "virtualenv": "name the interpreter of the environment in cmd",
    "virtualenv_py_ver": "",
    "warmup_delay": "",
}
WATCHER_PREFIXES: Mapping[str, str] = {"hooks.": "the hook is not called", "rlimit_": "the limit is not set"}

SOCKET: Mapping[str, str] = {
    "blocking": "",
    "interface": "",
    "proto": "",
    "replace": "a stale unix socket is replaced in any case",
    "so_reuseport": "all processes share one socket",
    "type": "the socket is a SOCK_STREAM",
    "umask": "",
}


def warn_later(entry: Entry, section: str, table: Mapping[str, str], problems: Problems) -> bool:
    """Warn and return True if the entry is in the table, or begins with one of its names that end in `.` or `_`."""
    name = next((each for each in table if _matches(entry.key, each)), None)
    if name is None:
        return False
    message = f"{_PLAIN}: {table[name]}" if table[name] else _PLAIN
    problems.warn(message, entry.where, section=section, option=entry.key)
    return True


def _matches(key: str, name: str) -> bool:
    return key.startswith(name) if name[-1] in "._" else key == name
