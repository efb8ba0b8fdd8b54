"""Values of options as a file writes them: what the readers turn back into the same value. Pure."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from circus_stack.config import kinds
from circus_stack.config.composites import FILE_SINK, HOOK_PREFIX, RLIMIT_PREFIX, rlimit_text, secret_key
from circus_stack.config.option import Option, options_of
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import StreamConfig

_STREAMS = ("stdout_stream", "stderr_stream")


def option_text(option: Option, value: object) -> str:
    """One declared option; raises ValueError for a value that no text of this option stands for."""
    text = _text(option, value)
    if value is None:
        return text
    if option.kind.parse(text) != value:
        raise ValueError("no text stands for this value")
    return text


def _text(option: Option, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if option.kind is kinds.SIGNAL and isinstance(value, int) and value in set(signal.Signals):
        return signal.Signals(value).name
    return str(value)


def composite_texts(watcher: WatcherConfig) -> dict[str, str]:
    """Key -> text of everything but the declared options and `env`: hooks, limits, streams, free-form options."""
    found = {f"{RLIMIT_PREFIX}{name}": rlimit_text(limit) for name, limit in watcher.rlimits.items()}
    found |= {secret_key(name): path for name, path in watcher.env_secrets.items()}
    for name, hook in watcher.hooks.items():
        found[HOOK_PREFIX + name] = str(hook) if hook.ignore_failure else hook.callable
    for name in _STREAMS:
        stream: StreamConfig | None = getattr(watcher, name)
        if stream is not None:
            found.update((f"{name}.{key}", text) for key, text in _stream_texts(stream).items())
    return {**found, **watcher.extra}


def _stream_texts(stream: StreamConfig) -> Mapping[str, str]:
    is_implied = stream.sink == FILE_SINK and "filename" in stream.options
    return stream.options if is_implied else {"class": stream.sink, **stream.options}


def option_texts(watcher: WatcherConfig, base: WatcherConfig) -> dict[str, str]:
    """Key -> text of the declared options in which a watcher differs from another one.

    send_hup is left out, as reload_mode says the same. Raises ValueError as `option_text` does, with the option's name.
    """
    found = {}
    for option in options_of(WatcherConfig):
        value = getattr(watcher, option.name)
        if option.name == "send_hup" or value == getattr(base, option.name):
            continue
        try:
            found[option.name] = option_text(option, value)
        except ValueError as error:
            raise ValueError(f"{option.name}: {error}") from None
    return found
