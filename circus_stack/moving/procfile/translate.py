"""A Procfile to our ini: a watcher a line, run by the shell, with the PORT that honcho and foreman would give. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from circus_stack.config.problems import Problems
from circus_stack.config.values import NOWHERE, Location
from circus_stack.moving.draft import Draft, Remark, written
from circus_stack.moving.procfile.formation import LEGAL, parse_formation
from circus_stack.moving.variables import write_environment

_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>.+)")
# Of each line's processes the first has this many more than that of the line before.
_STEP = 100
USUAL_PORT = 5000

_ENDS = (
    "honcho and foreman stop everything as soon as one process ends; here it is started again. respawn = false in a "
    "watcher starts it only once."
)
_RELEASE = "it ran before each deployment and not beside the others: run it by hand, circusctl start release"


class Launch(Struct, frozen=True, kw_only=True):
    """What a command line would add to the file. `directory` is the project's, written; `environment` is .env's."""

    directory: str
    environment: Mapping[str, str]
    formation: str = ""
    port: int | None = None


def import_procfile(text: str, path: str, launch: Launch, problems: Problems) -> Draft:
    """The draft; mistakes go into `problems`."""
    draft = Draft([Remark(NOWHERE, "", _ENDS)])
    lines = _lines(text, path, problems)
    try:
        counts = parse_formation(launch.formation, lines)
    except ValueError as error:
        problems.add(str(error), option="--formation", found=launch.formation, legal=LEGAL)
        return draft
    port = _first_port(launch, problems)
    variables = {name: written(value) for name, value in launch.environment.items() if name != "PORT"}
    for name, (command, where) in lines.items():
        _write_watcher(draft, name, command, counts[name], port, launch)
        write_environment(draft, draft.section(f"watcher:{name}"), name, _dollars(variables))
        if name == "release":
            section = draft.section(f"watcher:{name}")
            section.add("autostart", "false")
            section.add("respawn", "false")
            section.remarks.append(Remark(where, f"{name}: {command}", _RELEASE))
        port += _STEP
    shared = draft.section("env")
    write_environment(draft, shared, "", {k: v for k, v in variables.items() if k not in _dollars(variables)})
    return draft


def _dollars(variables: Mapping[str, str]) -> dict[str, str]:
    """Those whose values [env] would change."""
    return {name: value for name, value in variables.items() if re.search(r"\$[A-Z]", value)}


def _lines(text: str, path: str, problems: Problems) -> dict[str, tuple[str, Location]]:
    found: dict[str, tuple[str, Location]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        where = Location(path, number)
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            if line.strip() and not line.lstrip().startswith("#"):
                problems.warn("is no line of a Procfile: passed over", where, found=line, legal="NAME: COMMAND")
        elif match["name"] in found:
            problems.add("stands twice", where, option=match["name"])
        else:
            found[match["name"]] = (match["command"], where)
    if not found:
        problems.add("has no line NAME: COMMAND: there is nothing to run", Location(path))
    return found


def _first_port(launch: Launch, problems: Problems) -> int:
    text = launch.environment.get("PORT", "")
    if launch.port is not None:
        return launch.port
    if not text:
        return USUAL_PORT
    if text.isdecimal():
        return int(text)
    problems.add("is no port", option="PORT", found=text)
    return USUAL_PORT


def _write_watcher(draft: Draft, name: str, command: str, count: int, port: int, launch: Launch) -> None:
    section = draft.section(f"watcher:{name}")
    if count > 1:
        # The shell counts: each process has a port of its own, and $(circus.wid) is its number, from 1.
        command = f"export PORT=$(({port - 1} + $(circus.wid))); {command}"
    section.add("cmd", written(command))
    section.add("shell", "true")
    section.add("working_dir", launch.directory)
    # As honcho and foreman stop it: the shell and what it started, with so many seconds until SIGKILL.
    section.add("stop_children", "true")
    section.add("graceful_timeout", "5")
    if count != 1:
        section.add("numprocesses", str(count))
    if count <= 1:
        draft.section(f"env:{name}").add("PORT", str(port))
