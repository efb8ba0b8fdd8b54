"""What is wrong with the streams of watchers, before anything is opened. Looks at the disk and changes nothing."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Location, StreamConfig
from circus_stack.errors import ConfigError, Problem
from circus_stack.streams.registry import DEFAULT_SINK, check, located, shipped_name, unknown_options


def check_watcher(watcher: WatcherConfig, *, refuses_unknown: bool = True) -> list[Problem]:
    """The mistakes of both streams of one watcher: unknown class or option, bad value, a file that can't be written."""
    return check_watchers((watcher,), refuses_unknown=refuses_unknown)


def check_watchers(
    watchers: Iterable[WatcherConfig], *, looks_at_disk: bool = True, refuses_unknown: bool = True
) -> list[Problem]:
    """The mistakes of all streams, and where two of them want one file in two ways.

    Without `looks_at_disk` a file that could not be written here is no mistake: the stack may be for another machine.
    Without `refuses_unknown` an option that its class doesn't know is none: Circus ignores it.
    """
    problems: list[Problem] = []
    files: dict[Path, tuple[str, StreamConfig]] = {}
    for watcher in watchers:
        for option, stream in _streams(watcher):
            section = f"watcher:{watcher.name}"
            found = check(stream, section=section, option=option, where=watcher.where, refuses_unknown=refuses_unknown)
            if not found and (path := _file_of(stream)) is not None:
                reason = (looks_at_disk and _why_not_writable(path)) or _conflict(
                    files, path, f"[{section}] {option}", stream
                )
                if reason:
                    found = [_file_problem(reason, watcher, option, str(path))]
            problems += found
    return problems


def unknown_changes(before: WatcherConfig, after: WatcherConfig) -> list[Problem]:
    """The options that a change would set and that their class doesn't know: nobody sets one to have it ignored."""
    changed = [
        (option, StreamConfig(stream.sink, _new_options(getattr(before, option), stream)))
        for option, stream in _streams(after)
    ]
    return [
        problem
        for option, stream in changed
        if (unknown := unknown_options(stream))
        for problem in located(ConfigError(unknown), f"watcher:{after.name}", option, {}).problems
    ]


def _new_options(before: StreamConfig | None, after: StreamConfig) -> dict[str, str]:
    known = before.options if before is not None else {}
    return {key: value for key, value in after.options.items() if known.get(key) != value}


def ignored_options(watchers: Iterable[WatcherConfig]) -> list[Problem]:
    """The options that their stream's class doesn't know, as warnings: what `refuses_unknown` would refuse."""
    return [
        dataclasses.replace(problem, message=f"{problem.message}, ignored")
        for watcher in watchers
        for option, stream in _streams(watcher)
        if (unknown := unknown_options(stream))
        for problem in located(ConfigError(unknown), f"watcher:{watcher.name}", option, watcher.where).problems
    ]


def _streams(watcher: WatcherConfig) -> Iterator[tuple[str, StreamConfig]]:
    for option, stream in (("stdout_stream", watcher.stdout_stream), ("stderr_stream", watcher.stderr_stream)):
        if stream is not None:
            yield option, stream


def _file_of(stream: StreamConfig) -> Path | None:
    filename = stream.options.get("filename")
    return Path(filename).resolve() if filename and shipped_name(stream.sink or DEFAULT_SINK) else None


def _meaning(stream: StreamConfig) -> tuple[str, dict[str, str]]:
    """Equal where two configurations say the same."""
    options = {key: text for key, text in stream.options.items() if key != "filename"}
    return shipped_name(stream.sink or DEFAULT_SINK), options


def _why_not_writable(path: Path) -> str:
    """Why the arbiter could not append to `path`; empty if it could."""
    if path.is_dir():
        return "is a directory, not a file"
    if path.exists():
        return "" if os.access(path, os.W_OK) else "cannot be written to by this user"
    if not path.parent.is_dir():
        return f"the directory {path.parent} does not exist"
    return "" if os.access(path.parent, os.W_OK | os.X_OK) else f"this user may not write in {path.parent}"


def _conflict(files: dict[Path, tuple[str, StreamConfig]], path: Path, name: str, stream: StreamConfig) -> str:
    """Two rotations of one file would lose lines; the file is shared if both say the same of it."""
    first_name, first = files.setdefault(path, (name, stream))
    return "" if _meaning(first) == _meaning(stream) else f"{first_name} writes to the same file with other options"


def _file_problem(reason: str, watcher: WatcherConfig, option: str, found: str) -> Problem:
    location = watcher.where.get(f"{option}.filename") or watcher.where.get(option) or Location()
    return Problem(
        reason,
        file=location.file,
        line=location.line,
        section=f"watcher:{watcher.name}",
        option=f"{option}.filename",
        found=found,
    )
