"""From the dotted name of a plugin's class to the class. Imports the module; makes and starts nothing."""

from __future__ import annotations

import importlib
import inspect

from circus_stack.errors import CircusStackError

# Circus's own plugins are ours here, also where Circus is installed.
_CIRCUS, _OURS = "circus.plugins.", "circus_stack.plugins."


class PluginNotFoundError(CircusStackError):
    """No such class; the text says which part of the name was not found, and why."""


def load_plugin(name: str) -> type:
    """`package.module.Class` -> the class. Raises PluginNotFoundError."""
    module_name, dot, class_name = resolved(name).rpartition(".")
    if not dot:
        raise PluginNotFoundError(f"{name!r} is no dotted name of a class; legal: package.module.Class")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        # An import runs code of any kind: whatever it raises, the plugin cannot be run.
        raise PluginNotFoundError(f"{name}: {_reason(module_name, error)}") from error
    found = getattr(module, class_name, None)
    if not inspect.isclass(found):
        classes = ", ".join(each for each, value in vars(module).items() if _is_plugin(value, module_name))
        hint = f"; it has {classes}" if classes else ""
        raise PluginNotFoundError(f"{name}: {module_name} has no class {class_name}{hint}")
    return found


def resolved(name: str) -> str:
    """The name with Circus's own plugins replaced by ours."""
    return _OURS + name.removeprefix(_CIRCUS) if name.startswith(_CIRCUS) else name


def _reason(module_name: str, error: Exception) -> str:
    if not isinstance(error, ModuleNotFoundError):
        return f"the import of {module_name} failed: {type(error).__name__}: {error}"
    missing = error.name or module_name
    if missing.startswith(_OURS):
        return f"no plugin {missing.removeprefix(_OURS)} is shipped; docs/plugins.md lists those that are"
    if (module_name + ".").startswith(missing + "."):
        return f"there is no module {missing} here; is its directory the working directory, or on PYTHONPATH?"
    extra = f"; pip install 'circus-stack[{missing}]'" if missing == "redis" else ""
    return f"{module_name} needs {missing}, which is not installed{extra}"


def _is_plugin(value: object, module_name: str) -> bool:
    return inspect.isclass(value) and value.__module__ == module_name and callable(getattr(value, "handle_recv", None))
