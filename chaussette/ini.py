"""An application out of a PasteDeploy ini: which file and section, which variables, its logging. PasteDeploy is only
imported in here."""

from __future__ import annotations

import configparser
import logging.config
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from chaussette.application import INI_SCHEMES, own_traceback
from chaussette.errors import AppLoadError, UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

MAIN = "main"
ENVIRONMENT_REFERENCE = re.compile(r"%\((ENV_[^)]+)\)s")
NAME_FIRST = re.compile(r"(?P<file>[^#?]*)(?:#(?P<name>[^#?]*))?(?:\?(?P<query>[^#?]*))?")
QUERY_FIRST = re.compile(r"(?P<file>[^#?]*)\?(?P<query>[^#?]*)#(?P<name>[^#?]*)")
CONFIG_REFERENCE = re.compile(r"config:([^\s#?]+)")


@dataclass(frozen=True)
class IniTarget:
    """An application section of an ini file, and the variables given with it."""

    path: Path
    name: str
    variables: Mapping[str, str]


def parse_ini_target(
    text: str, name: str | None, variables: Mapping[str, str], environ: Mapping[str, str]
) -> IniTarget:
    """Read `config:app.ini#name`, `paste:app.ini?k=v`, in any order of `#` and `?`.

    `name` stands over the one in `text`; `variables` stand over those in `text`. `environ` gives the `%(ENV_X)s`.
    """
    scheme = next(each for each in INI_SCHEMES if text.startswith(each))
    file_name, own_name, query = _split(text.removeprefix(scheme))
    path = Path(file_name).absolute()
    if not file_name or not path.is_file():
        raise UsageError(f"application {text!r}: there is no file {str(path)!r}")
    given = {**dict(parse_qsl(query, keep_blank_values=True)), **variables}
    return IniTarget(path, name or own_name or MAIN, {**environment_variables(path, environ), **given})


def load_ini_application(target: IniTarget) -> WSGIApplication:
    """Have PasteDeploy build the application of `target`."""
    loadapp = _import_loadapp()
    uri = f"config:{_quoted(target.path)}"
    try:
        application: WSGIApplication = loadapp(uri, name=target.name, global_conf=interpolable(target.variables))
    except LookupError as error:
        if type(error) is not LookupError:
            raise _raised(target, error) from error
        raise AppLoadError(f"{target.path}: {error}") from error
    except configparser.Error as error:
        said = str(error).strip().removeprefix(f"Error in file {target.path}: ")
        raise AppLoadError(f"{target.path}: {said}") from error
    except Exception as error:
        raise _raised(target, error) from error
    return application


def configure_logging(target: IniTarget) -> bool:
    """Apply the logging sections of the ini, if it has them; the loggers that exist stay enabled."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(target.path, encoding="utf-8")
        if not parser.has_section("loggers"):
            return False
        own = {"here": str(target.path.parent), "__file__": str(target.path)}
        defaults = {**{key: value.replace("%", "%%") for key, value in own.items()}, **interpolable(target.variables)}
        logging.config.fileConfig(target.path, defaults, disable_existing_loggers=False, encoding="utf-8")
    except Exception as error:  # fileConfig evaluates class names and arguments: anything can come out
        raise AppLoadError(
            f"{target.path}: the logging sections: {type(error).__name__}: {str(error).strip()}"
        ) from error
    return True


def interpolable(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables as an ini's defaults: the environment knows no '%%', while given ones are written as for pserve."""
    return {name: value.replace("%", "%%") if name.startswith("ENV_") else value for name, value in variables.items()}


def environment_variables(path: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The `ENV_X` variables that an ini, or one that it names by `config:`, refers to and the environment has.

    Only those: the variables become settings of the app, and an environment holds secrets and stray '%'.
    """
    found: dict[str, str] = {}
    seen: set[Path] = set()
    queue = [path]
    while queue:
        each = queue.pop()
        if each in seen or not each.is_file():
            continue
        seen.add(each)
        content = each.read_text(encoding="utf-8", errors="replace")
        for name in ENVIRONMENT_REFERENCE.findall(content):
            if name.removeprefix("ENV_") in environ:
                found[name] = environ[name.removeprefix("ENV_")]
        queue.extend(each.parent / other for other in CONFIG_REFERENCE.findall(content))
    return found


def _split(text: str) -> tuple[str, str, str]:
    """(file, name, query) of `file#name?query` or `file?query#name`."""
    match = NAME_FIRST.fullmatch(text) or QUERY_FIRST.fullmatch(text)
    if match is None:
        raise UsageError(f"application {text!r}: write config:app.ini#name?key=value")
    return match["file"], match["name"] or "", match["query"] or ""


def _import_loadapp() -> Any:
    try:
        from paste.deploy import loadapp
    except ImportError:
        raise AppLoadError("an application out of an ini needs PasteDeploy: pip install PasteDeploy") from None
    return loadapp


def _quoted(path: Path) -> str:
    """PasteDeploy unquotes the path of its URIs and splits at '#'."""
    return str(path).replace("%", "%25").replace("#", "%23")


def _raised(target: IniTarget, error: Exception) -> AppLoadError:
    return AppLoadError(f"{target.path}#{target.name}: {type(error).__name__}: {error}", own_traceback(error))
