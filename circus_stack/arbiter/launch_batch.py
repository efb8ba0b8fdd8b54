"""The plans of one watcher's processes that start together: what they share is found out once."""

from __future__ import annotations

from collections.abc import Mapping

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.launch import Surroundings, have_same_plan, is_told_of_post, plan_launch, plan_sibling
from circus_stack.arbiter.means import Capture
from circus_stack.arbiter.posts import Post
from circus_stack.system.spawn import SpawnPlan


class LaunchBatch:
    """To be made anew in each turn of the loop: configuration, sockets and control groups are those of the first plan
    that is asked for. `secrets` are variables laid over the others."""

    def __init__(self, charge: Charge, secrets: Mapping[str, str]) -> None:
        self._config = charge.config
        self._means = charge.means
        self._secrets = secrets
        self._around: Surroundings | None = None
        self._groups: tuple[str, ...] = ()
        self._model: SpawnPlan | None = None

    def plan(self, wid: int, lane: int, token: str, capture: Capture, post: Post | None = None) -> SpawnPlan:
        """The plan of one process; raises what `plan_launch` raises, and OSError for a control group."""
        config, outputs = self._config, (capture.stdout_fd, capture.stderr_fd)
        if self._around is None:
            self._groups = self._means.control_groups.entrances(config)
            self._around = self._means.surroundings()
        around = self._around
        if self._model is not None and is_told_of_post(self._model, post):
            return plan_sibling(self._model, config, wid, around, *outputs, token=token, post=post)
        plan = plan_launch(
            config,
            wid,
            around,
            *outputs,
            lane=lane,
            token=token,
            secrets=self._secrets,
            control_groups=self._groups,
            post=post,
        )
        if have_same_plan(config, around):
            self._model = plan
        return plan
