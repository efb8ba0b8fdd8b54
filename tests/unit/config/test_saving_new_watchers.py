"""A watcher that was added at run time, and what the file it is written into will make of it."""

from __future__ import annotations

from pathlib import Path

from circus_stack.config.dialect import CIRCUS
from circus_stack.config.runtime import watcher_from_options
from circus_stack.config.saving import save_changes
from tests.unit.config.stacks import circus

_INI = "[watcher:one]\ncmd = cat\n[env]\nCOMMON = 1\nGIVEN = 2\n[env:other]\nELSEWHERE = 3\n"


def test_variables_that_the_file_will_give_it_are_told(tmp_path: Path) -> None:
    stack = circus(tmp_path, _INI)
    new = watcher_from_options("new", "cat", "", {"env": {"GIVEN": "mine"}}, CIRCUS)
    saved = save_changes(dict.fromkeys(stack.files, _INI), stack, [*stack.watchers, new])
    assert saved.changes == ("+ [watcher:new]",)
    assert saved.unsaved == ("[watcher:new] env: COMMON is set in [env], and holds from the next start on",)
