"""The autoscaler, which a stack with a range has without being told to, and circusd-stats, which it needs. Pure."""

from __future__ import annotations

import dataclasses

from circus_stack.config.check_watcher import place_of, title_of
from circus_stack.config.plugin_section import resolve_use
from circus_stack.config.problems import Problems
from circus_stack.config.scale_kinds import RANGE
from circus_stack.config.schema import PluginConfig, StackConfig, WatcherConfig

NAME, USE = "autoscaler", "circus_stack.plugins.autoscaler.Autoscaler"
# The plugin's option.
STATS_ENDPOINT = "stats_endpoint"


def with_autoscaler(stack: StackConfig, problems: Problems, *, is_stats_off: bool) -> StackConfig:
    """The stack with what its ranges need; `is_stats_off`: the environment wants no circusd-stats. One that the file
    turns off is a mistake."""
    ranged = next((each for each in stack.watchers if each.scale_range is not None), None)
    if ranged is None:
        return stack
    where = stack.circus.where.get("statsd")
    if not stack.circus.statsd and where is not None:
        problems.add(
            f"is off, and [{title_of(ranged)}] has a range, which needs the figures of circusd-stats",
            where,
            section="circus",
            option="statsd",
            legal="statsd = true, or a number of processes in place of the range",
        )
        return stack
    if is_stats_off and not stack.circus.statsd:
        reason = "has no effect: the environment turns circusd-stats off, whose figures it needs"
        problems.warn(reason, place_of(ranged, RANGE), section=title_of(ranged), option=RANGE)
        return stack
    circus = dataclasses.replace(stack.circus, statsd=True)
    plugins = stack.plugins
    if not has_autoscaler(stack):
        plugins = (*plugins, PluginConfig(name=NAME, use=USE, where={"": place_of(ranged, RANGE)}))
    return dataclasses.replace(stack, circus=circus, plugins=plugins)


def told_of_stats(plugin: PluginConfig, endpoint: str) -> PluginConfig:
    """The plugin; if it is an autoscaler, with the endpoint at which programs of this user hear figures without a key,
    unless the file names one."""
    if resolve_use(plugin.use) != USE or not endpoint:
        return plugin
    return dataclasses.replace(plugin, options={STATS_ENDPOINT: endpoint, **plugin.options})


def has_autoscaler(stack: StackConfig) -> bool:
    """Whether one runs, by itself or as the file declares it."""
    return any(resolve_use(each.use) == USE for each in stack.plugins)


def check_autoscaler(stack: StackConfig, watcher: WatcherConfig, problems: Problems) -> None:
    """Of a watcher that gets a range while the stack runs: nobody would keep to it."""
    if watcher.scale_range is not None and not has_autoscaler(stack):
        problems.add(
            "needs the autoscaler, which this stack does not run",
            place_of(watcher, RANGE),
            section=title_of(watcher),
            option=RANGE,
            found=str(watcher.scale_range),
            legal="a range in the file, and circus-stack reload",
        )
