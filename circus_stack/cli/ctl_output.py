"""What circusctl prints of a reply: the text forms of Circus, and a table for people. Pure: values in, text out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from circus_stack.cli.ctl_jobs import render_jobs
from circus_stack.cli.ctl_stats import render_dstats, render_stats
from circus_stack.cli.style import DIM, Style
from circus_stack.protocol.reply import Reply

Renderer = Callable[[Reply, Style], str]


def render(command: str, reply: Reply, style: Style) -> str:
    """A reply that is no error as text, without a last newline."""
    return _RENDERERS.get(command, _render_ok)(reply, style)


def _render_ok(reply: Reply, _style: Style) -> str:
    return str(reply.get("status", "ok"))


def _render_list(reply: Reply, _style: Style) -> str:
    return ",".join(map(str, reply["watchers"] if "watchers" in reply else reply["pids"]))


def _render_status(reply: Reply, style: Style) -> str:
    if "statuses" not in reply:
        return str(reply["status"]) + _aside(reply.get("detail"), style)
    details = reply.get("details", {})
    return "\n".join(
        f"{name}: {paint_state(state, style)}{_aside(details.get(name), style)}"
        for name, state in sorted(reply["statuses"].items())
    )


def _aside(detail: object, style: Style) -> str:
    """What a state alone doesn't tell: for a person alone, since scripts read the words of Circus."""
    return f"  {style.paint(f'({detail})', DIM)}" if detail and style.is_terminal else ""


def paint_state(state: str, style: Style) -> str:
    """A watcher's or process's state in its colour."""
    return style.paint(state, *_COLOURS.get(state, ()))


# Green serves, yellow is on its way, red needs somebody.
_COLOURS: dict[str, tuple[int, ...]] = {
    "active": (32,),
    "ready": (32,),
    "done": (32,),
    "starting": (33,),
    "stopping": (33,),
    "stopped": (2,),
    "failed": (31, 1),
}


def _render_count(reply: Reply, style: Style) -> str:
    if reply.get("singleton"):
        return "a singleton keeps its one process: nothing has changed"
    return str(reply["numprocesses"]) if "numprocesses" in reply else _render_ok(reply, style)


def _render_options(reply: Reply, _style: Style) -> str:
    return "\n".join(f"{name}: {_text(name, value)}" for name, value in reply["options"].items())


def _text(name: str, value: object) -> str:
    """An option as Circus prints it: nothing for None, an environment as in an ini, else Python's form."""
    if name == "env" and isinstance(value, dict):
        return ",".join(f"{key}={each}" for key, each in sorted(value.items()))
    return "" if value is None else str(value)


def _render_sockets(reply: Reply, _style: Style) -> str:
    return "\n".join(f"{each['fd']}:socket '{each['name']}' at {address_of(each)}" for each in reply["sockets"])


def address_of(socket: Mapping[str, Any]) -> str:
    """`HOST:PORT`, `[IPV6]:PORT` or the path."""
    if "path" in socket:
        return str(socket["path"])
    host = socket["host"]
    return f"[{host}]:{socket['port']}" if ":" in host else f"{host}:{socket['port']}"


def _render_logs(reply: Reply, _style: Style) -> str:
    return "\n".join(f"{line['watcher']}.{line['wid']} | {line['data']}" for line in reply["lines"])


def _render_changes(reply: Reply, style: Style) -> str:
    if "changes" not in reply:
        return _render_ok(reply, style)
    return "\n".join(reply["changes"]) or "nothing has changed"


def _render_jobs(reply: Reply, style: Style) -> str:
    return render_jobs(reply["jobs"], style)


def _render_saved(reply: Reply, _style: Style) -> str:
    if "saved" not in reply:
        return str(reply["status"])
    files = [f"saved in {each}" for each in reply.get("files", ())]
    changes = [f"  {each}" for each in reply.get("changes", ())]
    unsaved = [f"not saved: {each}" for each in reply.get("unsaved", ())]
    return "\n".join([*(files or [f"nothing to write: {reply['saved']} says it already"]), *changes, *unsaved])


def _render_outcome(reply: Reply, style: Style) -> str:
    """`ok`; for a person also what became of the processes."""
    info = reply.get("info")
    if not style.is_terminal or not isinstance(info, dict):
        return str(reply["status"])
    counts = [f"{len(pids)} {what}" for what, pids in info.items() if isinstance(pids, list) and pids]
    return f"{reply['status']}: {', '.join(counts)}" if counts else str(reply["status"])


def _render_schema(reply: Reply, _style: Style) -> str:
    return "\n\n".join([*_sections(reply["options"]), "\n".join(_commands(reply["commands"]))])


def _sections(options: Mapping[str, Any]) -> Iterator[str]:
    for section, declared in options.items():
        lines = [f"  {name}: {each['help']} Legal: {each['legal']}." for name, each in declared.items()]
        yield "\n".join([f"[{section}]", *lines])


def _commands(commands: Mapping[str, Any]) -> Iterator[str]:
    yield "commands"
    for name, each in commands.items():
        yield f"  {name}: {each['help']}"


_RENDERERS: dict[str, Renderer] = {
    "decr": _render_count,
    "dstats": render_dstats,
    "get": _render_options,
    "globaloptions": _render_options,
    "incr": _render_count,
    "ipython": lambda reply, _style: str(reply.get("msg") or reply.get("shell")),
    "jobs": _render_jobs,
    "list": _render_list,
    "listsockets": _render_sockets,
    "logs": _render_logs,
    "numprocesses": _render_count,
    "numwatchers": lambda reply, _style: str(reply["numwatchers"]),
    "options": _render_options,
    "reload": _render_outcome,
    "reloadconfig": _render_changes,
    "restart": _render_outcome,
    "save": _render_saved,
    "scale": _render_count,
    "schema": _render_schema,
    "start": _render_outcome,
    "stats": render_stats,
    "status": _render_status,
    "version": lambda reply, _style: str(reply["version"]),
}
