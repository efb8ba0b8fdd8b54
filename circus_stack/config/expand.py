"""Expansion of Circus's variables, and the command line of one process. Pure: everything arrives as an argument."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from circus_stack.config.option import options_of
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.words import VARIABLE, split

# Circus's older spelling of $(circus.wid).
_WID = re.compile(r"\$WID\b")
# Circus expands upper-case names only, and never ${NAME}.
_SHELL_NAME = re.compile(r"\$([A-Z]+[A-Z0-9_]*)")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$(circus.X)`, `((circus.X))` by `variables["circus.X"]`, in any case; unknown ones stay as written."""
    if not mentions_variables(text):
        return text

    def replace(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        found = variables.get(name)
        if found is None:
            found = _any_case(name, variables)
        return match[0] if found is None else found

    return VARIABLE.sub(replace, text)


def _any_case(name: str, variables: Mapping[str, str]) -> str | None:
    """The last one of that name in another case, as it is the one that was laid over the others."""
    wanted = name.lower()
    return next((variables[each] for each in reversed(tuple(variables)) if each.lower() == wanted), None)


def expand_environ(text: str, environ: Mapping[str, str]) -> str:
    """Replace `$NAME` by the environment's value, a missing one by nothing: what `[env]` sections do."""
    return _SHELL_NAME.sub(lambda match: environ.get(match[1], ""), text)


def environ_variables(*environs: Mapping[str, str]) -> dict[str, str]:
    """`circus.env.NAME` -> value; a later environment wins over an earlier one."""
    return {f"circus.env.{name}": value for environ in environs for name, value in environ.items()}


def variables_in(text: str) -> tuple[str, ...]:
    """The names of the variables that a text mentions, in lower case: `circus.sockets.web`."""
    return tuple((match[1] or match[2]).lower() for match in VARIABLE.finditer(text))


def sockets_in(text: str) -> tuple[str, ...]:
    """The names of the sockets that a text mentions, in lower case."""
    prefix = "circus.sockets."
    return tuple(name[len(prefix) :] for name in variables_in(text) if name.startswith(prefix))


def command_line(
    watcher: WatcherConfig,
    *,
    wid: int,
    socket_fds: Mapping[str, int],
    env: Mapping[str, str],
    known: Mapping[str, str] | None = None,
) -> list[str]:
    """The argv of the process in slot `wid`; `env` is the environment that it gets, `known` are values that are known
    better than from the options: `circus.uid` as a number.

    Variables are replaced before the text is split into words, as Circus does, so that one may hold several words. With
    `shell`, /bin/sh gets the text as it is, and `shell_args` after it. Raises ValueError for an unbalanced quote, which
    the validation has refused unless a variable brought it in.
    """
    texts = [_WID.sub(str(wid), text) for text in (watcher.cmd, watcher.args, watcher.shell_args)]
    if any(map(mentions_variables, texts)):
        variables = {**process_variables(watcher, wid=wid, socket_fds=socket_fds, env=env), **(known or {})}
        texts = [expand(text, variables) for text in texts]
    cmd, args, shell_args = texts
    if watcher.shell:
        line = f"{cmd} {args}".strip()
        return ["/bin/sh", "-c", line, *_words(shell_args)] if line else []
    return [*_words(cmd), *_words(args)]


def process_variables(
    watcher: WatcherConfig, *, wid: int, socket_fds: Mapping[str, int], env: Mapping[str, str]
) -> dict[str, str]:
    """All that a text of a watcher may mention when one of its processes is started."""
    variables = {f"circus.{each.name}": _as_text(getattr(watcher, each.name)) for each in options_of(WatcherConfig)}
    variables.update(environ_variables(env))
    variables.update((f"circus.sockets.{name}", str(fd)) for name, fd in socket_fds.items())
    variables["circus.wid"] = str(wid)
    return variables


def mentions_variables(text: str) -> bool:
    """Whether there may be something to expand: most texts have nothing, and a thousand processes start faster."""
    return "circus." in text.lower()


def mentions_process(text: str) -> bool:
    """Whether a text may be another one for each process: it has variables, or Circus's older `$WID`."""
    return mentions_variables(text) or _WID.search(text) is not None


@lru_cache(maxsize=256)
def _words(text: str) -> tuple[str, ...]:
    """The processes of a watcher mostly have the same text."""
    return tuple(split(text))


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
