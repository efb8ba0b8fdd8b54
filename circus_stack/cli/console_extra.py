"""That the libraries of the web console are missing, said in one line by who needs them."""

from __future__ import annotations

import click

from circus_stack.web.libraries import INSTALL, missing_libraries


def require_libraries() -> None:
    """Raise click's error that says how to have them."""
    missing = missing_libraries()
    if missing:
        raise click.ClickException(f"the console needs {', '.join(missing)}: {INSTALL}")
