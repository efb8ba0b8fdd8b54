"""What one section says about another: names, commands, dependencies. Pure; mistakes only, nothing is changed."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping, Sequence

from circus_stack.config.autoscaling import check_autoscaler
from circus_stack.config.check_endpoints import check_endpoints
from circus_stack.config.check_health import check_health
from circus_stack.config.check_metrics import check_metrics
from circus_stack.config.check_scaling import check_scaling, check_start
from circus_stack.config.check_sockets import check_sockets, check_use_of_sockets
from circus_stack.config.check_watcher import check_watcher, title_of
from circus_stack.config.plugin_watcher import plugin_watcher
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.schema import ServiceConfig, SocketConfig, StackConfig, WatcherConfig
from circus_stack.config.values import Location

_Runnable = WatcherConfig | ServiceConfig


def check_stack(stack: StackConfig, problems: Problems) -> None:
    """Every check that needs more than one option."""
    runnables = _runnables(stack)
    _check_names(runnables, problems)
    _check_names(stack.sockets, problems)
    known = {each.name.lower(): each.name for each in runnables}
    sockets = _by_name(stack)
    for watcher in (each for each in runnables if isinstance(each, WatcherConfig)):
        check_watcher(watcher, problems)
        check_health(watcher, problems)
        check_scaling(watcher, problems)
        check_start(watcher, problems)
        _check_dependencies(watcher, watcher.depends_on, known, problems)
        check_use_of_sockets(watcher, sockets, problems)
    for service in stack.services:
        _check_dependencies(service, _depends_on(service), known, problems)
    _check_rings(runnables, problems)
    check_sockets(stack.sockets, problems)
    check_endpoints(stack.circus, problems)
    check_metrics(stack.circus, problems)


def check_one(stack: StackConfig, watcher: WatcherConfig, problems: Problems) -> None:
    """The same for one watcher that was changed, or added, in a stack that is right; services may have become watchers
    of it already."""
    others: list[_Runnable] = [each for each in stack.watchers if each.name != watcher.name]
    names = {watcher.name, *(each.name for each in others)}
    runnables = [watcher, *others, *(each for each in stack.services if each.name not in names)]
    check_watcher(watcher, problems)
    check_health(watcher, problems)
    check_scaling(watcher, problems)
    check_autoscaler(stack, watcher, problems)
    _check_dependencies(watcher, watcher.depends_on, {each.name.lower(): each.name for each in runnables}, problems)
    check_use_of_sockets(watcher, _by_name(stack), problems)
    if watcher.depends_on:
        _check_rings(runnables, problems)


def _by_name(stack: StackConfig) -> dict[str, SocketConfig]:
    return {socket.name.lower(): socket for socket in stack.sockets}


def _runnables(stack: StackConfig) -> list[_Runnable]:
    """Whatever runs, with the watchers of plugins, which may have been made already."""
    found: list[_Runnable] = [*stack.watchers, *stack.services]
    plugins = [plugin_watcher(plugin, stack.circus) for plugin in stack.plugins]
    return [*found, *(each for each in plugins if each not in stack.watchers)]


def _title(record: _Runnable | SocketConfig) -> str:
    match record:
        case WatcherConfig():
            return title_of(record)
        case ServiceConfig():
            return f"service:{record.name}"
        case SocketConfig():
            return f"socket:{record.name}"


def _place(where: Mapping[str, Location], option: str = "") -> Location:
    """Where an option stands, or its section if the option is a default."""
    return where.get(option) or where.get("", Location())


def _check_names(records: Sequence[_Runnable] | Sequence[SocketConfig], problems: Problems) -> None:
    """Look-up ignores the case, so two names that differ in nothing else are one."""
    seen: dict[str, _Runnable | SocketConfig] = {}
    for record in records:
        first = seen.setdefault(record.name.lower(), record)
        if first is record:
            continue
        place, here = _place(first.where), _place(record.where)
        where = f"line {place.line}" if place.file == here.file else f"{place.file}:{place.line}"
        line = f" ({where})" if place.line else ""
        problems.add(f"the name is taken by [{_title(first)}]{line}", here, section=_title(record))


def _check_dependencies(
    record: _Runnable,
    depends_on: tuple[str, ...],
    known: Mapping[str, str],
    problems: Problems,
) -> None:
    for other in depends_on:
        if other.lower() in known:
            continue
        others = [name for name in known.values() if name != record.name]
        problems.add(
            "there is no watcher or service of that name",
            _place(record.where, "depends_on"),
            section=_title(record),
            option="depends_on",
            found=other,
            legal=", ".join(others),
            nearest=nearest(other, others),
        )


def _depends_on(service: ServiceConfig) -> tuple[str, ...]:
    value = service.watcher.get("depends_on", ())
    return value if isinstance(value, tuple) else ()


def _check_rings(runnables: Sequence[_Runnable], problems: Problems) -> None:
    """A ring of depends_on could never start. Each is told once, and then opened to look for the next."""
    records: dict[str, _Runnable] = {}
    edges: dict[str, set[str]] = {}
    for record in runnables:
        depends_on = record.depends_on if isinstance(record, WatcherConfig) else _depends_on(record)
        records[record.name.lower()] = record
        edges[record.name.lower()] = {each.lower() for each in depends_on}
    while ring := _find_ring(edges):
        record = records[ring[0]]
        names = " -> ".join(records[each].name for each in ring)
        where = _place(record.where, "depends_on")
        problems.add(f"is a ring: {names}", where, section=_title(record), option="depends_on")
        edges[ring[0]].discard(ring[1])


def _find_ring(edges: Mapping[str, set[str]]) -> list[str]:
    """One ring, each name depending on the next, first and last the same; empty without any."""
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        found: list[str] = error.args[1]
        return found[::-1]
    return []
