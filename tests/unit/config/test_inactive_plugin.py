"""A plugin whose section says that it is not active is declared and not started."""

from __future__ import annotations

import pytest

from circus_stack.config.plugin_watcher import plugin_watcher
from circus_stack.config.schema import CircusConfig, PluginConfig


@pytest.mark.parametrize(("options", "starts"), [({}, True), ({"active": "off"}, False), ({"active": "perhaps"}, True)])
def test_only_what_is_active_starts(options, starts):
    plugin = PluginConfig(name="mine", use="mine.Plugin", options=options)

    assert plugin_watcher(plugin, CircusConfig()).autostart is starts
