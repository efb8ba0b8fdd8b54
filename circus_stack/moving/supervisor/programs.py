"""`[program:x]` and `[fcgi-program:x]` as watchers: one with N processes, or one a process where they differ. Pure."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping

from msgspec import Struct

from circus_stack.config.document import Section
from circus_stack.config.problems import Problems
from circus_stack.moving.draft import Draft, DraftSection, Remark
from circus_stack.moving.supervisor.expansion import IMPOSSIBLE, WID
from circus_stack.moving.supervisor.program import FCGI, USUAL_PRIORITY, Process, ProgramReader, read_process
from circus_stack.moving.variables import write_environment


class Surroundings(Struct, frozen=True):
    """What `[supervisord]` and `[group:x]` say about every program. `environment` is written; `minfds` 0: nothing."""

    environment: Mapping[str, str]
    directory: str = ""
    childlogdir: str = ""
    minfds: int = 0


class Watchers(Struct, frozen=True):
    """The watchers of one program by name, and its own priority."""

    sections: tuple[DraftSection, ...]
    priority: int


def translate_program(
    section: Section, group: str, around: Surroundings, draft: Draft, problems: Problems
) -> Watchers | None:
    """Add the watchers of one program to the draft; None after a mistake in their number."""
    base = {"program_name": section.name, "group_name": group, "host_node_name": platform.node()}
    counter = ProgramReader(section, base, around.environment, problems)
    count = counter.value("numprocs", int, 1, "a whole number, 1 or more")
    start = counter.value("numprocs_start", int, 0, "a whole number")
    if count < 1:
        problems.add("is too low", section.where, section=section.title, option="numprocs", found=str(count))
        return None

    def read(number: object) -> Process:
        values = {**base, "process_num": number, "numprocs": count}
        reader = ProgramReader(section, values, around.environment, problems)
        return read_process(reader, around.directory, around.childlogdir)

    processes = [read(number) for number in range(start, start + count)]
    alike = _one_for_all(processes, read(WID) if start == 1 else None)
    chosen = [Process(section.name, alike.options, alike.environment, alike.remarks)] if alike else processes
    for each in chosen[1:]:
        # They have the same lines, and so the same remarks.
        each.remarks.clear()
    made = tuple(_write(each, section, count if alike else 1, around, draft) for each in chosen)
    if len(made) > 1:
        why = f"its {count} processes differ in more than a number from 1 on: a watcher for each of them"
        made[0].remarks.insert(0, counter.remark("numprocs", why))
    return Watchers(made, counter.value("priority", int, USUAL_PRIORITY, "a whole number"))


def _one_for_all(processes: list[Process], numbered: Process | None) -> Process | None:
    """The process that stands for all of them: they are the same, or differ by their number from 1 on."""
    first = processes[0]
    if all((each.options, each.environment) == (first.options, first.environment) for each in processes):
        return first
    if numbered is None:
        return None
    # Our variable is known in a command and in the environment; nowhere else.
    fixed = [(key, value) for key, value in numbered.options if key != "cmd"]
    texts = [*(value for _, value in numbered.options), *numbered.environment.values()]
    if IMPOSSIBLE in "".join(texts) or any("$(circus.wid)" in value for _, value in fixed):
        return None
    return numbered


def _write(process: Process, section: Section, count: int, around: Surroundings, draft: Draft) -> DraftSection:
    made = draft.section(f"watcher:{process.name}")
    for key, value in process.options:
        made.add(key, value)
    if count > 1:
        made.add("numprocesses", str(count))
    if around.minfds:
        made.add("rlimit_nofile", str(around.minfds))
    made.remarks += process.remarks
    if section.kind == "fcgi-program":
        made.add("use_sockets", "true")
        made.add("stdin_socket", section.name)
    write_environment(draft, made, process.name, process.environment)
    return made


def translate_fcgi_socket(section: Section, around: Surroundings, draft: Draft, problems: Problems) -> None:
    """The socket that a FastCGI program finds as its stdin."""
    reader = ProgramReader(section, {"program_name": section.name}, around.environment, problems)
    made = draft.section(f"socket:{section.name}")
    address = reader.text("socket")
    if address.startswith("unix://"):
        made.add("path", os.path.normpath(address.removeprefix("unix://")))
        made.add("mode", reader.text("socket_mode", "0700"))
        owner, _, group = reader.text("socket_owner", reader.text("user")).partition(":")
        for key, value in (("owner", owner), ("group", group)):
            if value:
                made.add(key, value)
    elif address.startswith("tcp://"):
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        made.add("host", host)
        made.add("port", port)
    else:
        problems.add(
            "is no address",
            section.where,
            section=section.title,
            option=FCGI[0],
            found=address,
            legal="tcp://HOST:PORT or unix:///PATH",
        )
    if reader.text("socket_backlog"):
        made.add("backlog", reader.text("socket_backlog"))


def remark_group(section: Section) -> Remark:
    """A group has no counterpart: its programs are watchers of their own."""
    why = (
        "there are no groups; a command takes a pattern, such as circusctl restart 'name*' -- and an order of start "
        "is in the priorities"
    )
    return Remark(section.where, f"[{section.title}]", why)
