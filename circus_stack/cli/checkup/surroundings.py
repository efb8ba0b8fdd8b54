"""The looks at what is around the libraries: services, Java, the machine, directories, running stacks, a stack's ini.

They read it with the code that the stack itself runs on, and so need its libraries: whoever imports this must be ready
for an ImportError.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from circus_stack.cli.checkup.finding import Finding
from circus_stack.cli.checkup.java import has_example, look_at_java, look_at_lucene
from circus_stack.cli.checkup.machine import look_at_machine
from circus_stack.cli.checkup.places import look_at_places
from circus_stack.cli.checkup.services import service_probes
from circus_stack.cli.checkup.stackfile import look_at_stack
from circus_stack.cli.checkup.stacks import look_at_stacks

Look = Callable[[], Iterable[Finding]]


def looks_at_ini(environ: Mapping[str, str], ini: Path) -> list[Look]:
    """What the stack of that file needs."""
    return [partial(look_at_stack, ini, environ)]


def looks_around(environ: Mapping[str, str]) -> list[Look]:
    """In the order of the report."""
    home, temporary = Path(environ.get("HOME") or "~").expanduser(), Path(tempfile.gettempdir())
    found: list[Look] = [partial(probe.look, environ) for probe in service_probes()]
    if has_example():
        found += [partial(look_at_java, environ), partial(look_at_lucene, environ)]
    return [
        *found,
        look_at_machine,
        partial(look_at_places, environ, home, temporary),
        partial(look_at_stacks, environ),
    ]
