"""The backends of chaussette: each really imported, each in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import circus_stack
from chaussette.backends.registry import BUILT_IN, known
from circus_stack.cli.checkup.finding import Finding, Status
from circus_stack.cli.checkup.trial import try_python

_ASK = """
import dataclasses, json, sys
from chaussette.backends.registry import status
print(json.dumps(dataclasses.asdict(status(sys.argv[1]))))
"""
# meinheld's own greenlet.h is of another age: it must be compiled against the one that is installed.
MEINHELD_BY_HAND = (
    "pip install greenlet setuptools wheel && "
    "H=$(python -c \"import greenlet,os;print(os.path.join(os.path.dirname(greenlet.__file__),'greenlet.h'))\") && "
    'CFLAGS="-O2 -DNDEBUG -include $H" pip install --no-cache-dir --no-deps --no-build-isolation '
    "--no-binary meinheld meinheld"
)
# It imports on no later one.
_NEWEST_FOR_MEINHELD = (3, 12)


@dataclass(frozen=True, slots=True)
class BackendProbe:
    """The look at one backend; `is_required` if the stack in question serves with it."""

    name: str
    is_required: bool = False

    def look(self, environ: Mapping[str, str]) -> Iterator[Finding]:
        answer, failure = try_python(_ASK, [self.name], environ)
        if answer is None:
            answer = {"is_available": False, "version": "", "reason": failure, "install": ""}
        if answer["is_available"]:
            yield Finding("backend", self.name, Status.OK, answer["version"], is_required=self.is_required)
            return
        yield Finding(
            "backend",
            self.name,
            Status.MISSING if "not installed" in answer["reason"] else Status.BROKEN,
            detail=answer["reason"],
            mend=_mend_meinheld() if self.name == "meinheld" else answer["install"],
            is_required=self.is_required,
        )


def backend_names() -> list[str]:
    """The built-in ones in their order, then those that others installed."""
    return [*BUILT_IN, *sorted(set(known()) - set(BUILT_IN))]


def _mend_meinheld() -> str:
    if sys.version_info[:2] > _NEWEST_FOR_MEINHELD:
        return "none: it works on Python 3.11 and 3.12; choose another backend"
    clone = Path(circus_stack.__file__).parents[1]
    in_clone = f"make -C {clone} meinheld, or anywhere else: " if (clone / "tools" / "meinheld").is_file() else ""
    return in_clone + MEINHELD_BY_HAND
