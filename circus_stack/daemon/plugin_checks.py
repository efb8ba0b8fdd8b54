"""The options of shipped plugins, checked with their lines before anything starts."""

from __future__ import annotations

from collections.abc import Iterable

from circus_stack.config.schema import PluginConfig
from circus_stack.errors import Problem


def check_plugins(plugins: Iterable[PluginConfig]) -> list[Problem]:
    """The first mistake of each plugin. Imports the modules of those that are shipped."""
    # Who declares no plugin needs none of their libraries.
    from circus_stack.plugins.checking import mistake_of

    found = []
    for plugin in plugins:
        mistake = mistake_of(plugin.use, plugin.options)
        if mistake is not None:
            key = getattr(mistake, "key", "")
            where = plugin.where.get(key) or plugin.where[""]
            found.append(
                Problem(str(mistake), file=where.file, line=where.line, section=f"plugin:{plugin.name}", option=key)
            )
    return found
