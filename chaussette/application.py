"""From what names an application to the callable: parsing the name, importing, and saying precisely what failed."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chaussette.errors import AppLoadError, UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

INI_SCHEMES = ("config:", "paste:")


@dataclass(frozen=True)
class Target:
    """`module:attribute`, and the literal arguments to call it with if it is a factory.

    With `is_dotted` the module and the attribute stand in `module` together, as `package.module.callable`.
    """

    text: str
    module: str
    attribute: str = ""
    is_factory: bool = False
    is_dotted: bool = False
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def is_ini(text: str) -> bool:
    """Whether `text` names an application of a PasteDeploy ini."""
    return text.startswith(INI_SCHEMES)


def parse_target(text: str) -> Target:
    """Read `module:callable`, `module.callable` or `module:factory("arg", k=1)`."""
    try:
        node = ast.parse(text.partition(":")[2] or text, mode="eval").body
    except SyntaxError:
        raise UsageError(_form_message(text)) from None
    is_factory = isinstance(node, ast.Call)
    args, kwargs = _literal_arguments(node, text) if isinstance(node, ast.Call) else ((), {})
    name = _dotted_name(node.func if isinstance(node, ast.Call) else node, text)
    module, colon, _ = text.partition(":")
    if not colon:
        return Target(text, name, is_factory=is_factory, is_dotted=True, args=args, kwargs=kwargs)
    _dotted_name(_parse_module(module, text), text)
    return Target(text, module, name, is_factory=is_factory, args=args, kwargs=kwargs)


def load_application(target: Target) -> WSGIApplication:
    """Import the application that `target` names, and call it where it is a factory."""
    found = load_object(target, f"application {target.text!r}")
    if target.is_factory:
        found = _run(lambda: found(*target.args, **target.kwargs), f"factory {target.text!r} raised")
    if not callable(found):
        raise AppLoadError(
            f"application {target.text!r} is {_kind(found)}, which cannot be called: a WSGI application is needed"
        )
    application: WSGIApplication = found
    return application


def load_object(target: Target, subject: str) -> Any:
    """Import the module of `target` and follow its attributes. `subject` opens the messages."""
    if target.is_dotted:
        return _load_dotted(target, subject)
    found = import_module(target.module, subject)
    return _follow(found, target.module, target.attribute, subject)


def import_module(name: str, subject: str) -> Any:
    """Import `name`. A module that is not there, and one that raises while it is imported, are told apart."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise AppLoadError(
                f"{subject}: there is no module {error.name!r}; "
                "the directory it lies in must be the current one, on PYTHONPATH or on --python-path"
            ) from None
        raise AppLoadError(f"{subject}: importing {name!r} failed: {error}", own_traceback(error)) from error
    except Exception as error:
        raise AppLoadError(
            f"{subject}: importing {name!r} raised {type(error).__name__}: {error}", own_traceback(error)
        ) from error


def own_traceback(error: BaseException) -> str:
    """The traceback without the frames of this loader and of importlib, so that it begins in the app's own code."""
    frame = error.__traceback__
    while frame and _is_ours(frame.tb_frame.f_code.co_filename):
        frame = frame.tb_next
    return "".join(traceback.format_exception(type(error), error, frame or error.__traceback__)).rstrip()


def _is_ours(filename: str) -> bool:
    return filename == __file__ or "importlib" in filename


def _load_dotted(target: Target, subject: str) -> Any:
    """`a.b.c`: the longest part that is a module is imported, the rest are attributes."""
    parts = target.module.split(".")
    if len(parts) == 1:
        raise UsageError(_form_message(target.text))
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        if _is_module(module, subject) or length == 1:
            return _follow(import_module(module, subject), module, ".".join(parts[length:]), subject)
    raise AssertionError("unreachable: a length of 1 always returns")


def _is_module(name: str, subject: str) -> bool:
    """Whether `name` can be imported; imports its parents, whose own errors are told as such."""
    parent, _, _ = name.rpartition(".")
    if parent and not _is_module(parent, subject):
        return False
    if parent:
        import_module(parent, subject)
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _follow(found: Any, module: str, attribute: str, subject: str) -> Any:
    """Follow a dotted attribute; a missing one names the nearest that is there."""
    path = module
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            import difflib

            near = difflib.get_close_matches(name, [each for each in dir(found) if not each.startswith("__")], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise AppLoadError(f"{subject}: {path!r} has no attribute {name!r}{hint}") from None
        path = f"{path}.{name}"
    return found


def _run(call: Any, what: str) -> Any:
    try:
        return call()
    except Exception as error:
        raise AppLoadError(f"{what} {type(error).__name__}: {error}", own_traceback(error)) from error


def _literal_arguments(call: ast.Call, text: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a factory: literals only, so that a command line cannot run other code."""
    try:
        args = tuple(ast.literal_eval(arg) for arg in call.args)
        kwargs = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
    except ValueError:
        kwargs = {"": None}
    if "" in kwargs:
        raise UsageError(f"application {text!r}: a factory takes literals only, as in app:make('prod', debug=False)")
    return args, kwargs


def _dotted_name(node: ast.expr, text: str) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise UsageError(_form_message(text))
    return ".".join([node.id, *reversed(parts)])


def _parse_module(module: str, text: str) -> ast.expr:
    try:
        return ast.parse(module, mode="eval").body
    except SyntaxError:
        raise UsageError(_form_message(text)) from None


def _form_message(text: str) -> str:
    return (
        f"application {text!r}: write module:callable, module.callable, module:factory(), "
        "config:app.ini#name or paste:app.ini"
    )


def _kind(found: object) -> str:
    return "None" if found is None else f"of type {type(found).__name__}"
