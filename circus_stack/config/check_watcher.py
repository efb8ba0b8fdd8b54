"""What the options of one watcher say about each other. Pure; mistakes and warnings only, nothing is changed."""

from __future__ import annotations

from circus_stack.config.chaussette_command import backend_of, runs_chaussette
from circus_stack.config.composites import HOOK_PREFIX, HOOKS, RLIMIT_PREFIX, rlimit_names, secret_key
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Location, Overlap, ReadinessForm
from circus_stack.config.words import split


def check_watcher(watcher: WatcherConfig, problems: Problems) -> None:
    """Every check that one watcher is enough for."""
    _check_command(watcher, problems)
    _check_singleton(watcher, problems)
    _check_runs(watcher, problems)
    _check_memory(watcher, problems)
    _check_names(watcher, problems)
    _check_environment(watcher, problems)
    _check_files(watcher, problems)
    _check_outputs(watcher, problems)
    _check_preload(watcher, problems)


def place_of(watcher: WatcherConfig, option: str) -> Location:
    """Where an option stands, or its section if the option is a default."""
    return watcher.where.get(option) or watcher.where.get("", Location())


def title_of(watcher: WatcherConfig) -> str:
    """The section that declares the watcher, without brackets: `watcher:NAME`, or `plugin:NAME`."""
    return watcher.name if watcher.name.startswith("plugin:") else f"watcher:{watcher.name}"


def _check_command(watcher: WatcherConfig, problems: Problems) -> None:
    title = title_of(watcher)
    if not watcher.cmd.strip():
        where = place_of(watcher, "cmd")
        problems.add("has no command", where, section=title, option="cmd", legal="a command line")
    texts = {"args": watcher.args, "cmd": watcher.cmd}
    if watcher.shell:
        # The shell splits those itself, by rules of its own.
        texts = {"shell_args": watcher.shell_args}
    for option, text in texts.items():
        try:
            split(text)
        except ValueError as error:
            reason = str(error)
            message = f"cannot be split into words: {reason[:1].lower()}{reason[1:]}"
            problems.add(message, place_of(watcher, option), section=title, option=option, found=text)


def _check_singleton(watcher: WatcherConfig, problems: Problems) -> None:
    if watcher.singleton and watcher.numprocesses > 1:
        problems.add(
            "is more than a singleton has",
            place_of(watcher, "numprocesses"),
            section=title_of(watcher),
            option="numprocesses",
            found=str(watcher.numprocesses),
            legal="0 or 1",
        )


def _check_runs(watcher: WatcherConfig, problems: Problems) -> None:
    """What runs once does not serve."""
    if watcher.schedule is None:
        for option, is_set in (
            ("schedule_timezone", watcher.schedule_timezone is not None),
            ("schedule_overlap", watcher.schedule_overlap is not Overlap.SKIP),
            ("schedule_jitter", watcher.schedule_jitter > 0),
            ("schedule_catch_up", watcher.schedule_catch_up),
        ):
            if is_set:
                _warn_idle(watcher, option, "there is no schedule", problems)
    if watcher.exit_codes and (watcher.runs_once or not watcher.respawn):
        why = "status 0 alone is success of what runs to its end" if watcher.runs_once else "respawn is off"
        _warn_idle(watcher, "exit_codes", why, problems)
    if not watcher.runs_once:
        if watcher.max_runtime:
            _warn_idle(watcher, "max_runtime", "neither oneshot nor schedule is set", problems)
        return
    name = "oneshot" if watcher.oneshot else "schedule"
    for option, is_set in (
        ("on_demand", watcher.on_demand),
        ("ready", watcher.ready.form is not ReadinessForm.NONE),
        ("max_age", watcher.max_age > 0),
        ("max_memory", watcher.max_memory is not None),
    ):
        if is_set:
            problems.add(
                f"does not go with {name}, whose processes end by themselves",
                place_of(watcher, option),
                section=title_of(watcher),
                option=option,
            )
    if watcher.numprocesses == 0:
        _warn_idle(watcher, name, "numprocesses is 0: it never completes", problems)


def _check_memory(watcher: WatcherConfig, problems: Problems) -> None:
    """One that is to be replaced must not have been killed before that."""
    soft, hard = watcher.max_memory, watcher.max_memory_hard
    if soft is None or hard is None or soft.is_percent is not hard.is_percent or hard.amount >= soft.amount:
        return
    problems.add(
        f"is less than max_memory = {soft}",
        place_of(watcher, "max_memory_hard"),
        section=title_of(watcher),
        option="max_memory_hard",
        found=str(hard),
        legal=f"{soft} or more",
    )


def _check_names(watcher: WatcherConfig, problems: Problems) -> None:
    """Hooks and resource limits that don't exist."""
    for prefix, given, known, what in (
        (HOOK_PREFIX, watcher.hooks, HOOKS, "hook"),
        (RLIMIT_PREFIX, watcher.rlimits, rlimit_names(), "resource limit"),
    ):
        for name in given:
            if name in known:
                continue
            near = nearest(name, known)
            problems.add(
                f"there is no {what} of that name",
                place_of(watcher, prefix + name),
                section=title_of(watcher),
                option=prefix + name,
                legal=", ".join(known),
                nearest=prefix + near if near else "",
            )


def _check_environment(watcher: WatcherConfig, problems: Problems) -> None:
    """As in Circus: both add to the PYTHONPATH of an environment that is handed on."""
    for option, is_set in (("copy_path", watcher.copy_path), ("virtualenv", watcher.virtualenv is not None)):
        if is_set and not watcher.copy_env:
            problems.add("needs copy_env = True", place_of(watcher, option), section=title_of(watcher), option=option)
    if watcher.virtualenv_py_ver is not None and watcher.virtualenv is None:
        _warn_idle(watcher, "virtualenv_py_ver", "there is no virtualenv", problems)


def _check_files(watcher: WatcherConfig, problems: Problems) -> None:
    """Of a path that was set at run time nobody knows what it should be relative to."""
    paths = [("env_file", path.removeprefix("-")) for path in watcher.env_file]
    paths += [(secret_key(name), path) for name, path in watcher.env_secrets.items()]
    for option, path in paths:
        if not path.startswith("/"):
            problems.add(
                "is no absolute path", place_of(watcher, option), section=title_of(watcher), option=option, found=path
            )


def _check_outputs(watcher: WatcherConfig, problems: Problems) -> None:
    for name in ("stdout", "stderr"):
        if getattr(watcher, f"close_child_{name}") and getattr(watcher, f"{name}_stream") is not None:
            _warn_idle(watcher, f"{name}_stream", f"close_child_{name} sends {name} to /dev/null", problems)
    if watcher.max_requests and not backend_of(f"{watcher.cmd} {watcher.args}") and not watcher.shell:
        reason = "the command is not chaussette, which counts its requests"
        _warn_idle(watcher, "max_requests", reason, problems)
    if watcher.max_requests_jitter and not watcher.max_requests:
        _warn_idle(watcher, "max_requests_jitter", "max_requests is not set", problems)
    if watcher.shell_args and not watcher.shell:
        _warn_idle(watcher, "shell_args", "shell is not set", problems)
    if watcher.listen_fds and not watcher.use_sockets:
        _warn_idle(watcher, "listen_fds", "use_sockets is not set, so that no socket is inherited", problems)


def _check_preload(watcher: WatcherConfig, problems: Problems) -> None:
    """Only a program that we know can be a zygote, and only one that runs as it stands there."""
    if not watcher.preload:
        return
    reason = ""
    if watcher.shell:
        reason = "does not go with shell: the shell, not chaussette, would be started"
    elif not runs_chaussette(watcher.cmd):
        reason = "needs a command that runs chaussette, as `chaussette ...` or `python -m chaussette ...`"
    elif "--use-reloader" in f"{watcher.cmd} {watcher.args}".split():
        reason = "does not go with --use-reloader: a worker that was forked cannot load the application again"
    elif watcher.listen_fds:
        reason = "does not go with listen_fds: LISTEN_PID would be the zygote's"
    elif watcher.runs_once:
        reason = "does not go with oneshot or schedule, whose processes end by themselves"
    if reason:
        problems.add(reason, place_of(watcher, "preload"), section=title_of(watcher), option="preload")


def _warn_idle(watcher: WatcherConfig, option: str, reason: str, problems: Problems) -> None:
    problems.warn(f"has no effect: {reason}", place_of(watcher, option), section=title_of(watcher), option=option)
