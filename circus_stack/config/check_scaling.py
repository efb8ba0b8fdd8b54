"""Whether a watcher can be scaled as it asks for, and whether it would come to rest. Pure; nothing is changed."""

from __future__ import annotations

from circus_stack.config.chaussette_command import backend_of
from circus_stack.config.check_watcher import place_of, title_of
from circus_stack.config.option import spellings
from circus_stack.config.problems import Problems
from circus_stack.config.scale_kinds import CONDITIONS, COUNT, RANGE
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Location
from circus_stack.scaling import Comparison, ScaleRange

# What only workers that write a scoreboard tell.
_OF_CHAUSSETTE = frozenset({"busy", "p99"})
_OPTIONS = (*CONDITIONS, "scale_up_cooldown", "scale_down_cooldown", "scale_step", "scale_dry_run")
_HIGHEST = float("inf")


def check_scaling(watcher: WatcherConfig, problems: Problems) -> None:
    """What the options say about each other, whatever number runs."""
    if watcher.scale_range is None:
        for option in _OPTIONS:
            if getattr(watcher, option) != spellings(WatcherConfig)[option].default:
                _warn(watcher, option, "has no effect: there is no range to stay in, as numprocesses = 2..16", problems)
        return
    _check_kind(watcher, watcher.scale_range, problems)
    _check_overlap(watcher, problems)
    for option in CONDITIONS:
        _check_figures(watcher, option, problems)


def check_start(watcher: WatcherConfig, problems: Problems) -> None:
    """Of a file: the number to start with is one of the range. Later an operator may go beyond."""
    if watcher.scale_range is not None and watcher.numprocesses not in watcher.scale_range:
        problems.add(
            f"is not within scale_range = {watcher.scale_range}",
            _place(watcher, COUNT),
            section=title_of(watcher),
            option=COUNT,
            found=str(watcher.numprocesses),
            legal=f"{watcher.scale_range.least} to {watcher.scale_range.most}, the number to start with",
        )


def _check_kind(watcher: WatcherConfig, found: ScaleRange, problems: Problems) -> None:
    reason = ""
    if watcher.singleton and found.most > 1:
        reason = "does not go with singleton, which has one process at most"
    elif watcher.runs_once:
        reason = "does not go with oneshot or schedule, whose processes end by themselves"
    elif not watcher.respawn:
        reason = "does not go with respawn = False: who has ended would count as one that is wanted"
    if reason:
        problems.add(reason, _place(watcher, RANGE), section=title_of(watcher), option=RANGE, found=str(found))


def _check_overlap(watcher: WatcherConfig, problems: Problems) -> None:
    """Where both conditions can hold at once, the number would go up and down for ever."""
    for up in watcher.scale_up_when.alternatives:
        for down in watcher.scale_down_when.alternatives:
            if _are_compatible(up, down):
                ups = " and ".join(map(str, up))
                downs = " and ".join(map(str, down))
                problems.add(
                    f"can hold together with scale_up_when: {ups}",
                    _place(watcher, "scale_down_when"),
                    section=title_of(watcher),
                    option="scale_down_when",
                    found=downs,
                    legal="numbers with a distance, as in busy > 80% and busy < 50%",
                )


def _are_compatible(up: tuple[Comparison, ...], down: tuple[Comparison, ...]) -> bool:
    """Whether some figures fulfil both; only where they are about the same figures, as others tell nothing of it."""
    names = {each.figure for each in up}
    if names != {each.figure for each in down}:
        return False
    return all(_is_open([each for each in (*up, *down) if each.figure == name]) for name in names)


def _is_open(comparisons: list[Comparison]) -> bool:
    """Whether a number fulfils all of them."""
    least = max((each.number for each in comparisons if each.sign.startswith(">")), default=0.0)
    most = min((each.number for each in comparisons if each.sign.startswith("<")), default=_HIGHEST)
    # All others are strict: only the number itself is left where both ends meet.
    return least < most or (least == most and all(each.holds({each.figure: least}) for each in comparisons))


def _check_figures(watcher: WatcherConfig, option: str, problems: Problems) -> None:
    condition = getattr(watcher, option)
    unknown = set(condition.figures & _OF_CHAUSSETTE)
    if unknown and not watcher.shell and not backend_of(f"{watcher.cmd} {watcher.args}"):
        names = ", ".join(sorted(unknown))
        _warn(
            watcher, option, f"asks for {names}, which only workers of chaussette tell; cpu is known of all", problems
        )
    if "backlog" in condition.figures and not watcher.use_sockets and watcher.stdin_socket is None:
        _warn(watcher, option, "asks for backlog, and the watcher uses no socket of the arbiter", problems)


def _place(watcher: WatcherConfig, option: str) -> Location:
    """Where an option stands, or the range that makes it count."""
    found = next((each for each in (option, RANGE) if each in watcher.where), "")
    return place_of(watcher, found)


def _warn(watcher: WatcherConfig, option: str, reason: str, problems: Problems) -> None:
    problems.warn(reason, _place(watcher, option), section=title_of(watcher), option=option)
