"""The backends of chaussette: each really imported, each in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import circus_stack
from chaussette.backends.registry import BUILT_IN, known
from circus_stack.cli.checkup.finding import Finding, Status
from circus_stack.cli.checkup.trial import try_python

_TRIAL = "from circus_stack.cli.checkup.backend_trial import main; main()"
# Each backend has 20 s of its own there.
_TIMEOUT_S = 30.0
# meinheld's own greenlet.h is of another age: it must be compiled against the one that is installed.
MEINHELD_BY_HAND = (
    "pip install greenlet setuptools wheel && "
    "H=$(python -c \"import greenlet,os;print(os.path.join(os.path.dirname(greenlet.__file__),'greenlet.h'))\") && "
    'CFLAGS="-O2 -DNDEBUG -include $H" pip install --no-cache-dir --no-deps --no-build-isolation '
    "--no-binary meinheld meinheld"
)
# It imports on no later one.
_NEWEST_FOR_MEINHELD = (3, 12)


def look_at_backends(
    names: Sequence[str], environ: Mapping[str, str], *, is_required: bool = False
) -> Iterator[Finding]:
    """A finding for each backend, in this order; `is_required` if the stack in question serves with them."""
    answers, failure = try_python(_TRIAL, names, environ, timeout_s=_TIMEOUT_S)
    for name in names:
        answer = answers[name] if answers else {}
        nothing = {"is_available": False, "version": "", "reason": answer.get("failure", failure), "install": ""}
        yield _finding(name, answer.get("status") or nothing, is_required)


def _finding(name: str, found: Mapping[str, Any], is_required: bool) -> Finding:
    if found["is_available"]:
        return Finding("backend", name, Status.OK, found["version"], is_required=is_required)
    return Finding(
        "backend",
        name,
        Status.MISSING if "not installed" in found["reason"] else Status.BROKEN,
        detail=found["reason"],
        mend=_mend_meinheld() if name == "meinheld" else found["install"],
        is_required=is_required,
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
