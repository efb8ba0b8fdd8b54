"""The side services: whether each kind could be run here, with which program."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from circus_stack.cli.checkup.finding import Finding, Status
from circus_stack.config.schema import ServiceConfig
from circus_stack.errors import CircusStackError, ServiceUnavailableError
from circus_stack.services import KINDS, prepare
from circus_stack.system.inquiry import inquire

_TIMEOUT_S = 10.0
# The first thing that looks like a version in what a server prints of itself.
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")
# Where a plan that is only looked at would have been placed; short, so that no path can be too long.
_NOWHERE = Path("/var/empty")


@dataclass(frozen=True, slots=True)
class ServiceProbe:
    """The look at one service: at a kind with its default options, or at what an ini declares."""

    service: ServiceConfig
    is_required: bool = False

    def look(self, environ: Mapping[str, str]) -> Iterator[Finding]:
        name = self.service.name
        try:
            plan = prepare(self.service, state_dir=_NOWHERE, runtime_dir=_NOWHERE, environ=environ)
        except ServiceUnavailableError as error:
            detail, _, mend = str(error).removeprefix(f"[service:{name}] cannot run: ").partition(". ")
            mend = mend.removeprefix("Install it: ")
            yield Finding("service", name, Status.MISSING, "", detail, mend, is_required=self.is_required)
            return
        except CircusStackError as error:
            yield Finding("service", name, Status.BROKEN, "", str(error), is_required=self.is_required)
            return
        yield self._try(shlex.split(plan.watcher.cmd)[0], environ)

    def _try(self, binary: str, environ: Mapping[str, str]) -> Finding:
        """Whether the program really runs here: asked for its version."""
        if self.service.kind == "solr":
            # `solr version` starts a JVM, and the script of a release says nothing of itself without one.
            return Finding("service", self.service.name, Status.OK, "", binary, is_required=self.is_required)
        answer = inquire([binary, "--version"], env=environ, timeout_s=_TIMEOUT_S)
        found = _VERSION.search(answer.output or answer.errors)
        works = answer.exit_code == 0
        return Finding(
            "service",
            self.service.name,
            Status.OK if works else Status.BROKEN,
            found[0] if found and works else "",
            binary if works else f"{binary} --version: {answer.errors.strip() or answer.exit_code}",
            is_required=self.is_required,
        )


def service_probes() -> list[ServiceProbe]:
    """Every kind that there is, with its default options."""
    return [ServiceProbe(ServiceConfig(name=kind, kind=kind, options=KINDS[kind]())) for kind in KINDS]
