"""The resolved stack as plain text: what --dry-run prints and what golden tests compare. Pure, and stable.

No value of an environment is printed, since some are secrets; their names are.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping

from circus_stack.config import kinds
from circus_stack.config.composites import rlimit_text, secret_key
from circus_stack.config.listen import Address
from circus_stack.config.masking import MASK, is_secret_name, mask_command
from circus_stack.config.option import Option, options_of
from circus_stack.config.schema import (
    CircusConfig,
    PluginConfig,
    ServiceConfig,
    SocketConfig,
    StackConfig,
    WatcherConfig,
)
from circus_stack.config.start_order import start_waves

# Shown in a watcher's first lines, whatever their value.
_ALWAYS = ("cmd", "numprocesses")

# What the address of a socket tells already.
_ADDRESS = ("host", "port", "path", "family")


def render(stack: StackConfig) -> str:
    """A block for each part; an option is shown where it differs from its default."""
    blocks = [
        [f"stack {stack.circus.name}", f"  {stack.kind}: {stack.source}"],
        _circus(stack.circus),
        *([_web(stack)] if stack.web else []),
        *(_socket(each) for each in stack.sockets),
        *(_service(each, stack) for each in stack.services),
        *(_watcher(each) for each in stack.watchers),
        *(_plugin(each) for each in stack.plugins),
        ["start", *(f"  {number}. {names}" for number, names in enumerate(_order(stack), start=1))],
        ["warnings", *(f"  {each}" for each in stack.warnings)] if stack.warnings else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _circus(circus: CircusConfig) -> list[str]:
    lines = [line for line in _options(circus, CircusConfig) if not line.startswith("  name = ")]
    return ["circus", *lines] if lines else []


def _options(record: object, declared: type, always: Iterable[str] = ()) -> list[str]:
    shown = []
    for each in options_of(declared):
        value = getattr(record, each.name)
        if each.name in always or value != each.default:
            shown.append(f"  {each.name} = {_value(each, value)}")
    return shown


def _value(option: Option, value: object) -> str:
    """A file mode in octal, a signal by its name; the rest as text."""
    if isinstance(value, int) and option.kind is kinds.OCTAL:
        return f"{value:03o}"
    if isinstance(value, int) and option.kind is kinds.SIGNAL and value in set(signal.Signals):
        return signal.Signals(value).name
    return _text(value)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return mask_command(str(value)).replace("\n", "\n    ")


def _web(stack: StackConfig) -> list[str]:
    web = stack.web
    if web is None:
        return []
    lines = ["web", f"  app = {web.app}", f"  backend = {web.backend}", f"  workers = {web.workers}"]
    if web.threads is not None:
        lines.append(f"  threads = {web.threads}")
    return [*lines, *(f"  watch = {each}" for each in web.watch_files)]


def _socket(socket: SocketConfig) -> list[str]:
    address = Address(socket.host, socket.port, socket.path)
    lines = [f"socket {socket.name}", f"  {address}"]
    more = _options(socket, SocketConfig, ("backlog",))
    return [*lines, *(line for line in more if line.split()[0] not in _ADDRESS)]


def _service(service: ServiceConfig, stack: StackConfig) -> list[str]:
    lines = [f"service {service.name}", f"  kind = {service.kind}"]
    if service.options is not None:
        lines += _options(service.options, type(service.options))
    if service.optional:
        lines.append("  optional = True")
    if any(each.name == service.name for each in stack.watchers):
        return lines
    declared = {each.name: each for each in options_of(WatcherConfig)}
    given = [(name, value) for name, value in sorted(service.watcher.items()) if name in declared]
    lines += [f"  {name} = {_value(declared[name], value)}" for name, value in given]
    env = service.watcher.get("env")
    return lines + (_env(env) if isinstance(env, Mapping) else [])


def _plugin(plugin: PluginConfig) -> list[str]:
    lines = [f"plugin {plugin.name}", f"  use = {plugin.use}"]
    return lines + [
        f"  {key} = {MASK if is_secret_name(key) else mask_command(value)}" for key, value in plugin.options.items()
    ]


def _watcher(watcher: WatcherConfig) -> list[str]:
    lines = [f"watcher {watcher.name}", *_options(watcher, WatcherConfig, _ALWAYS)]
    for name in ("stdout_stream", "stderr_stream"):
        stream = getattr(watcher, name)
        if stream is not None:
            options = "".join(f" {key}={value}" for key, value in stream.options.items())
            lines.append(f"  {name} = {stream.sink}{options}")
    lines += [f"  rlimit_{name} = {rlimit_text(limit)}" for name, limit in sorted(watcher.rlimits.items())]
    lines += [f"  {secret_key(name)} = {path}" for name, path in watcher.env_secrets.items()]
    lines += [f"  hooks.{name} = {hook}" for name, hook in watcher.hooks.items()]
    lines += [f"  {key} = {value}" for key, value in watcher.extra.items()]
    return lines + _env(watcher.env)


def _env(env: Mapping[str, object]) -> list[str]:
    return [f"  env = {' '.join(sorted(env))}"] if env else []


def _order(stack: StackConfig) -> list[str]:
    idle = {watcher.name for watcher in stack.watchers if not watcher.autostart}
    return [" ".join(f"{name} (not started)" if name in idle else name for name in wave) for wave in start_waves(stack)]
