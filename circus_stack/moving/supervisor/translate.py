"""supervisord.conf, all of it, to our ini. Reads files through what it is given; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from circus_stack.config.document import Section
from circus_stack.config.problems import Problems
from circus_stack.config.values import NOWHERE, Location
from circus_stack.moving.draft import Draft, DraftSection, Remark
from circus_stack.moving.supervisor.daemon_section import translate_daemon
from circus_stack.moving.supervisor.program import USUAL_PRIORITY, ProgramReader
from circus_stack.moving.supervisor.programs import (
    Surroundings,
    remark_group,
    translate_fcgi_socket,
    translate_program,
)
from circus_stack.moving.supervisor.scan import scan

_SERVER = "commands go over a socket that only this user can reach, and that circusctl finds by itself"
# Sections that are no program -> why they have no counterpart.
_REASONS = {
    "unix_http_server": _SERVER,
    "inet_http_server": f"{_SERVER}; from another machine: circusctl --ssh HOST",
    "supervisorctl": "circusctl finds the running stack by itself",
    "rpcinterface": "there is no XML-RPC; docs/control.md describes the commands and their clients",
    "ctlplugin": "circusctl takes no plugins",
    "eventlistener": "it speaks supervisor's protocol of events; a [plugin:NAME] follows ours, docs/plugins.md",
}
_PROGRAMS = ("program", "fcgi-program")


def import_supervisor(path: Path, read: Callable[[Path], str], problems: Problems) -> Draft:
    """The draft for a file and what it includes; mistakes go into `problems`."""
    sections = scan(path, read, problems)
    draft = Draft()
    daemon = next((each for each in sections if each.title == "supervisord"), Section("supervisord", NOWHERE))
    around = translate_daemon(daemon, draft, problems)
    groups = _groups(sections, around, problems)
    ranked: list[tuple[tuple[int, int], DraftSection]] = []
    for section in sections:
        if section.kind in _PROGRAMS and section.name:
            group = groups.get(section.name)
            if section.kind == "fcgi-program":
                translate_fcgi_socket(section, around, draft, problems)
            made = translate_program(section, group[0] if group else section.name, around, draft, problems)
            if made is not None:
                rank = (group[1] if group else made.priority, made.priority)
                ranked += [(rank, each) for each in made.sections]
        elif section.kind == "group":
            draft.remarks.append(remark_group(section))
        elif section.title != "include":
            _remark_section(section, draft)
    _write_priorities(ranked, has_groups=bool(groups))
    if not ranked:
        problems.add("has no [program:NAME]: there is nothing to run", Location(str(path)))
    return draft


def _groups(sections: Iterable[Section], around: Surroundings, problems: Problems) -> dict[str, tuple[str, int]]:
    """Program -> its group and that group's priority."""
    found: dict[str, tuple[str, int]] = {}
    for section in sections:
        if section.kind == "group":
            reader = ProgramReader(section, {}, around.environment, problems)
            priority = reader.value("priority", int, USUAL_PRIORITY, "a whole number")
            for program in reader.text("programs").replace("\n", ",").split(","):
                if program.strip():
                    found[program.strip()] = (section.name, priority)
    return found


def _remark_section(section: Section, draft: Draft) -> None:
    why = _REASONS.get(section.kind)
    if section.kind == "supervisord":
        return
    draft.remarks.append(
        Remark(section.where, f"[{section.title}]", why or "supervisor does not know this section either")
    )


def _write_priorities(ranked: list[tuple[tuple[int, int], DraftSection]], *, has_groups: bool) -> None:
    """supervisor starts the lowest first, ours is the highest; nothing is written where all are equal."""
    ranks = sorted({rank for rank, _ in ranked}, reverse=True)
    if len(ranks) < 2:
        return
    for rank, section in ranked:
        priority = ranks.index(rank) if has_groups else USUAL_PRIORITY - rank[1]
        if priority:
            section.add("priority", str(priority))
