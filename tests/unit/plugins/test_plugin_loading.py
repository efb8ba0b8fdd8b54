"""From the name of a plugin's class to the class, and what is said where there is none."""

from __future__ import annotations

import pytest

from circus_stack.plugins.flapping import Flapping
from circus_stack.plugins.loading import PluginNotFoundError, load_plugin
from circus_stack.plugins.statsd import FullStats


def test_circus_names_of_shipped_plugins_are_ours():
    assert load_plugin("circus.plugins.flapping.Flapping") is Flapping
    assert load_plugin("circus_stack.plugins.statsd.FullStats") is FullStats


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nodots", "no dotted name of a class; legal: package.module.Class"),
        ("nowhere.at.all.P", "there is no module nowhere here"),
        ("mine_for_tests.Loger", "mine_for_tests has no class Loger; it has Logger"),
        ("broken_for_tests.P", "broken_for_tests needs nothing_of_that_name, which is not installed"),
        ("worse_for_tests.P", "the import of worse_for_tests failed: ZeroDivisionError"),
        ("circus.plugins.flapping.Flaping", "it has Flapping"),
        ("circus.plugins.floping.Flapping", "no plugin floping is shipped"),
    ],
)
def test_what_is_missing_is_told(name, told, tmp_path, monkeypatch):
    (tmp_path / "mine_for_tests.py").write_text("class Logger:\n    def handle_recv(self, data): pass\n")
    (tmp_path / "broken_for_tests.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "worse_for_tests.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(PluginNotFoundError) as caught:
        load_plugin(name)
    assert told in str(caught.value)
