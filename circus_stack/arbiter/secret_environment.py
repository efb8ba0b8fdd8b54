"""The variables of a watcher that come from files: `env_file`, and `env.X_file` for a file that is the value.

Read for each process anew, and when the configuration is read, to see whether they have changed. What they hold is in
no configuration, no message and no event.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from circus_stack.arbiter.hook_threads import LeftBehindError, ThreadedCall
from circus_stack.config.env_file import parse_env_text
from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import Problem, SpawnError
from circus_stack.system.process_stamp import boot_id
from circus_stack.system.secret_file import SecretFile, read_secret

# A file on a share whose server is gone must not hold up more than its own watcher's start.
READ_TIMEOUT_S = 10.0


@dataclass(slots=True)
class SecretVariables:
    """What the files of one watcher say; `problems` are mistakes, `warnings` files that others may read."""

    values: dict[str, str] = field(default_factory=dict, repr=False)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def read_variables(config: WatcherConfig) -> SecretVariables:
    """Read all files of a watcher. Blocks. A later file wins over an earlier one, and a file for one variable over
    those with many."""
    found = SecretVariables()
    for written in config.env_file:
        path = written.removeprefix("-")
        file = _read(config, "env_file", path, found, may_lack=path != written)
        if file is None:
            continue
        text = parse_env_text(os.fsdecode(file.data))
        found.values.update(text.variables)
        found.problems += [_problem(config, "env_file", each.message, path, each.line) for each in text.flaws]
    for name, path in config.env_secrets.items():
        option = f"env.{name}_file"
        file = _read(config, option, path, found)
        if file is None:
            continue
        if b"\0" in file.data:
            found.problems.append(_problem(config, option, "it holds a zero byte", path))
        found.values[name] = _without_line_end(os.fsdecode(file.data))
    return found


def _without_line_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def _read(
    config: WatcherConfig, option: str, path: str, found: SecretVariables, *, may_lack: bool = False
) -> SecretFile | None:
    try:
        file = read_secret(path)
    except FileNotFoundError:
        if not may_lack:
            found.problems.append(_placed(config, option, f"{path}: there is no such file"))
        return None
    except OSError as error:
        found.problems.append(_placed(config, option, f"{path} cannot be read: {error.strerror}"))
        return None
    if file.is_open:
        message = f"{path} may be read or written by others than its owner: chmod 600 keeps what is in it"
        found.warnings.append(_placed(config, option, message))
    return file


def _placed(config: WatcherConfig, option: str, message: str) -> Problem:
    """A problem where the option stands."""
    where = config.where.get(option) or config.where.get("")
    return Problem(
        message,
        file=where.file if where else "",
        line=where.line if where else 0,
        section=f"watcher:{config.name}",
        option=option,
    )


def _problem(config: WatcherConfig, option: str, message: str, path: str, line: int = 0) -> Problem:
    """A problem in the file itself."""
    return Problem(message, file=path, line=line, section=f"watcher:{config.name}", option=option)


def check_secrets(watchers: Iterable[WatcherConfig]) -> list[Problem]:
    """Each file that is missing or can't be read, each line that is none."""
    return [problem for watcher in watchers if watcher.has_secrets for problem in read_variables(watcher).problems]


def open_secrets(watchers: Iterable[WatcherConfig]) -> list[Problem]:
    """A warning for each file that others may read or write."""
    return [problem for watcher in watchers if watcher.has_secrets for problem in read_variables(watcher).warnings]


def with_digest(config: WatcherConfig) -> WatcherConfig:
    """The same watcher with what its files hold, as a digest: a reload sees by it that they have changed.

    An arbiter that takes over after an upgrade or a crash compares with its predecessor's, which only this user can
    read, as the files themselves: so its key is one that both of them know.
    """
    if not config.has_secrets:
        return config
    digest = hashlib.blake2b(key=boot_id().encode(), digest_size=16)
    for name, value in sorted(read_variables(config).values.items()):
        digest.update(f"{len(name)}:{name}{len(value)}:{value}".encode(errors="surrogateescape"))
    return replace(config, secrets_digest=digest.hexdigest())


def spawn_variables(config: WatcherConfig) -> dict[str, str]:
    """What a process gets; raises SpawnError, with file and line of the first mistake."""
    found = read_variables(config)
    if found.problems:
        raise SpawnError(str(found.problems[0]))
    return found.values


async def spawn_variables_aside(loop: asyncio.AbstractEventLoop, config: WatcherConfig) -> dict[str, str]:
    """The same beside the loop, which a slow disk must not hold up."""
    found: list[dict[str, str]] = []

    def read() -> bool:
        found.append(spawn_variables(config))
        return True

    error = (await ThreadedCall(loop, f"the secrets of {config.name}", read, READ_TIMEOUT_S).verdict).error
    if isinstance(error, LeftBehindError):
        raise SpawnError(f"reading env_file or env.X_file {error}")
    if error is not None:
        raise error
    return found[0]
