"""What the clients of an endpoint may do that was given to another user than the arbiter's (`endpoint_owner`).

The arbiter cannot tell such a client from root, so that all of them are held to it: what they change must give that
user nothing that he could not do himself.
"""

from __future__ import annotations

import dataclasses
import grp
import os
import pwd
from collections.abc import Sequence

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReadinessForm
from circus_stack.errors import CommandError

_PATH = "PYTHONPATH"
# prlimit and setpriv run with the process's environment, and as the arbiter: what lets it name code for them.
_LOADERS = ("LD_", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "NLSPATH", "MALLOC_")

# How many processes there are, and when: of every watcher, whomever it runs as.
_STEERING = frozenset(
    {
        *("numprocesses", "singleton", "priority", "warmup_delay", "autostart", "respawn", "graceful_timeout"),
        *("stop_children", "ready_timeout", "max_age", "max_age_variance", "max_retry", "max_failures"),
        *("failure_window", "backoff_initial", "backoff_factor", "backoff_max", "backoff_jitter", "start_concurrency"),
        *("max_requests", "max_requests_jitter", "max_memory", "max_memory_hard", "max_memory_kind"),
        "max_memory_interval",
        *("scale_range", "scale_up_when", "scale_down_when", "scale_up_cooldown", "scale_down_cooldown"),
        *("scale_step", "scale_dry_run"),
        *("health_scope", "health_interval", "health_timeout", "health_threshold", "health_start_period"),
        *("schedule", "schedule_timezone", "schedule_overlap", "schedule_jitter"),
        *("schedule_catch_up", "oneshot", "max_runtime"),
    }
)
# Of a watcher that runs as the owner, also what only that user's processes do. Hooks, streams, and exec:... of ready
# and health act as the arbiter; it enters directories and raises limits before the process becomes that user; its
# environment and its stdin are its own.
_OWN = _STEERING | {
    *("cmd", "args", "shell", "shell_args", "uid", "gid", "env", "extra", "ready", "health", "reload_mode", "send_hup"),
    *("stop_signal", "depends_on", "on_demand", "use_sockets", "listen_fds", "stdin_socket", "close_child_stdout"),
    *("close_child_stderr", "copy_path"),
}


def is_held(owner: str | None) -> bool:
    """Whether the endpoint belongs to somebody else than the user of the arbiter."""
    return owner is not None and _uid(owner) != os.geteuid()


def check_new(blank: WatcherConfig, added: WatcherConfig, owner: str) -> None:
    """Raise CommandError where a new watcher is not the owner's to add; `blank` has the defaults."""
    _check(blank, added, owner, _OWN if _is_same(added.uid, owner) else _STEERING)


def check_owned(before: WatcherConfig, after: WatcherConfig, owner: str) -> None:
    """Raise CommandError where the change of a watcher is not the owner's to make."""
    is_own = _is_same(before.uid, owner) and _is_same(after.uid, owner)
    _check(before, after, owner, _OWN if is_own else _STEERING)


def _check(before: WatcherConfig, after: WatcherConfig, owner: str, allowed: frozenset[str]) -> None:
    changed = [each.name for each in dataclasses.fields(after) if each.compare and _differs(each.name, before, after)]
    for option in changed:
        if option not in allowed:
            raise _refusal(option, owner, sorted(allowed))
    if "gid" in changed and after.gid is not None and not _is_in_group(owner, after.gid):
        raise _refusal(f"gid {after.gid}", owner, ["a group that this user is in"])
    for option in ("ready", "health"):
        if option in changed and getattr(after, option).form is ReadinessForm.EXEC:
            others = [each.value for each in ReadinessForm if each != ReadinessForm.EXEC]
            raise _refusal(f"{option} = exec:...", owner, others)
    for name, value in after.env.items():
        if name.startswith(_LOADERS) and before.env.get(name) != value:
            raise _refusal(f"{name} in env", owner, ["other variables"])
    if after.hooks and before.env.get(_PATH) != after.env.get(_PATH):
        # Where its hooks are imported from.
        raise _refusal(f"{_PATH} in env", owner, ["other variables"])


def _differs(name: str, before: WatcherConfig, after: WatcherConfig) -> bool:
    return name != "name" and getattr(before, name) != getattr(after, name)


def _refusal(what: str, owner: str, legal: Sequence[str]) -> CommandError:
    return CommandError(
        f"{what}: cannot be set here, since the endpoint belongs to {owner!r}, who is not the arbiter's user; "
        f"legal: {', '.join(legal)}; the file can say the rest"
    )


def _uid(user: str) -> int | None:
    """The number, None for a name that nobody has."""
    try:
        return int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


def _is_same(user: str | None, owner: str) -> bool:
    return user is not None and (user == owner or (_uid(user) is not None and _uid(user) == _uid(owner)))


def _is_in_group(owner: str, group: str) -> bool:
    try:
        number = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
        entry = pwd.getpwuid(int(owner)) if owner.isdecimal() else pwd.getpwnam(owner)
    except KeyError:
        return False
    return number in os.getgrouplist(entry.pw_name, entry.pw_gid)
