"""From a watcher's health probe to what is asked of one process: its variables are filled in. Starts nothing."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from circus_stack.arbiter.launch import Surroundings, plan_launch
from circus_stack.arbiter.process import Process
from circus_stack.config.expand import expand, mentions_variables, process_variables
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Readiness, ReadinessForm

# A probe speaks for itself: it neither says READY=1 in the process's name nor serves on its sockets.
_OF_THE_PROCESS = ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_FDNAMES")


class ProbePlan(Struct, frozen=True):
    """What to ask; environment and directory are for `exec:`."""

    probe: Readiness
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None


def plan_probe(config: WatcherConfig, process: Process, around: Surroundings) -> ProbePlan:
    """The probe of one process; of a whole watcher, `process` is one of them. Raises SpawnError as a launch does."""
    health = config.health
    if health.form is not ReadinessForm.EXEC and not mentions_variables(health.target):
        return ProbePlan(health)
    # The descriptors are for output, of which a plan alone makes none.
    launch = plan_launch(config, process.wid, around, -1, -1, lane=process.lane)
    env = {name: value for name, value in launch.env.items() if name not in _OF_THE_PROCESS}
    variables = process_variables(config, wid=process.wid, socket_fds={}, env=env)
    variables["circus.pid"] = str(process.pid)
    return ProbePlan(Readiness(health.form, expand(health.target, variables)), env, launch.cwd)
