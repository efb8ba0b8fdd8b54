"""The contract that a recipe keeps. One module a recipe holds its options (a record) and the recipe itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from circus_stack.services.plan import ServicePlan, Site


class Recipe(ABC):
    """How one kind of service is run.

    `options` is a frozen dataclass whose fields are declared with `config.option.option`; `site.service.options` is
    an instance of it. A recipe reads the machine (is the binary there?) but changes nothing.
    """

    options: ClassVar[type]

    @abstractmethod
    def plan(self, site: Site) -> ServicePlan:
        """The plan of the service; raises ServiceUnavailableError for a missing binary and ConfigError for options
        that contradict each other. The section's own watcher options are laid over it afterwards."""
