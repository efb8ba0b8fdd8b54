"""Side services: from a `[service:NAME]` to a singleton watcher. Only names are gathered here; nothing is started.

A recipe is loaded when a configuration asks for its kind.
"""

from __future__ import annotations

from circus_stack.services.arrangement import Arrangement, arrange, compose
from circus_stack.services.placement import place
from circus_stack.services.plan import ServicePlan
from circus_stack.services.preparation import prepare
from circus_stack.services.registry import KINDS

__all__ = ["KINDS", "Arrangement", "ServicePlan", "arrange", "compose", "place", "prepare"]
