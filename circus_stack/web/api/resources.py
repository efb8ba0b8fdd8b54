"""All routes of one stack, in the order in which the document shows them."""

from __future__ import annotations

from circus_stack.web.api.config import ConfigResource
from circus_stack.web.api.machines import MachinesResource
from circus_stack.web.api.observing import ObservingResource
from circus_stack.web.api.options import OptionsResource
from circus_stack.web.api.overview import OverviewResource
from circus_stack.web.api.processes import ProcessesResource
from circus_stack.web.api.route import Route
from circus_stack.web.api.stack_operations import StackOperationsResource
from circus_stack.web.api.watchers import WatchersResource
from circus_stack.web.stack.stack import Stack


def stack_routes(stack: Stack) -> tuple[Route, ...]:
    """What asks the stack, or steers it."""
    of_watchers = (WatchersResource, ProcessesResource, OptionsResource)
    resources = (OverviewResource, StackOperationsResource, *of_watchers, ConfigResource, ObservingResource)
    found = tuple(route for resource in resources for route in resource(stack).routes())
    return (*found, *MachinesResource(stack).routes())
