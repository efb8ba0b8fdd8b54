"""PasteDeploy's and ConfigParser's exceptions in words that help. Pure."""

from __future__ import annotations

import configparser

from circus_stack.config.paste_reader import DEFAULT


def reason_of(error: Exception) -> str:
    """One sentence about what a section got wrong."""
    if isinstance(error, configparser.InterpolationMissingOptionError):
        name = error.reference
        if name.startswith("ENV_"):
            return f"%({name})s stands for the environment variable {name[4:]}, which is not set"
        return (
            f"%({name})s is defined nowhere: set it in this section or in [{DEFAULT}], give {name}=VALUE on the "
            f"command line, or write %(ENV_{name})s for an environment variable"
        )
    if isinstance(error, configparser.InterpolationDepthError):
        return "its %(NAME)s refer to each other without an end"
    if isinstance(error, configparser.InterpolationSyntaxError):
        return "has a % that is neither %% nor %(NAME)s"
    if isinstance(error, ModuleNotFoundError):
        return f"requires the distribution {error.name or error}, which is not installed"
    if isinstance(error, KeyError):
        return f"gets {error.args[0]!r}, which is not among the defaults"
    return " ".join(str(error).split())
