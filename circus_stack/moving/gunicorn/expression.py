"""The value of an expression of a gunicorn.conf.py, found without executing it. Pure: the machine comes in as values.

Literals, names that the file sets, arithmetic, and the few functions that such files call. Whatever else there is
raises UndecidableError. Sizes are bounded: a file that nobody has looked at must not hold up the program that reads it.
"""

from __future__ import annotations

import ast
import operator
import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

# No setting of gunicorn is larger.
_MAX_LENGTH, _MAX_NUMBER = 100_000, 10**12

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
_BUILTINS: Mapping[str, Callable[..., Any]] = {
    each.__name__: each for each in (int, float, str, bool, min, max, len, round, abs, list, tuple)
}
_METHODS = frozenset(
    {"strip", "lstrip", "rstrip", "lower", "upper", "split", "replace", "startswith", "endswith", "join"}
)
_PATHS: Mapping[str, Callable[..., Any]] = {
    "join": posixpath.join,
    "dirname": posixpath.dirname,
    "basename": posixpath.basename,
    "normpath": posixpath.normpath,
}


class UndecidableError(Exception):
    """The expression can only be known by executing it; the text says why."""


class Dotted(Struct, frozen=True):
    """A module, or what is in one: `os.environ`."""

    name: str


class Machine(Struct):
    """Where the file is read: its variables, its processors, the file's own path. `asked` collects what was looked at,
    for a person: the result is another one elsewhere."""

    environ: Mapping[str, str]
    cpu_count: int
    file: str
    asked: list[str] = field(default_factory=list)


class Expression:
    """Finds values. `names` are what the file has set so far, and what it has imported as Dotted."""

    def __init__(self, names: Mapping[str, Any], machine: Machine) -> None:
        self._names = names
        self._machine = machine

    def value(self, node: ast.expr) -> Any:
        """The value; raises UndecidableError."""
        try:
            found = self._find(node)
        except UndecidableError:
            raise
        except Exception as error:
            # What the file itself would meet: a missing key, a division by zero, a wrong type.
            raise UndecidableError(f"{type(error).__name__}: {error}") from None
        return self._bounded(found)

    def _find(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self._name(node.id)
            case ast.List() | ast.Tuple() | ast.Set():
                return [self.value(each) for each in node.elts]
            case ast.Dict():
                return {self.value(k): self.value(v) for k, v in zip(node.keys, node.values, strict=True) if k}
            case ast.JoinedStr():
                return "".join(str(self.value(each)) for each in node.values)
            case ast.FormattedValue(conversion=-1, format_spec=None):
                return self.value(node.value)
            case ast.Attribute():
                return self._attribute(self.value(node.value), node.attr)
            case ast.Subscript():
                return self._item(self.value(node.value), node.slice)
            case ast.Call():
                return self._call(node)
        return self._operation(node)

    def _operation(self, node: ast.expr) -> Any:
        match node:
            case ast.BinOp() if type(node.op) in _BINARY:
                return self._binary(node)
            case ast.UnaryOp() if type(node.op) in _UNARY:
                return _UNARY[type(node.op)](self.value(node.operand))
            case ast.BoolOp():
                return self._boolean(node)
            case ast.Compare(ops=[op], comparators=[right]) if type(op) in _COMPARE:
                return _COMPARE[type(op)](self.value(node.left), self.value(right))
            case ast.IfExp():
                return self.value(node.body if self.value(node.test) else node.orelse)
        raise UndecidableError("only executing it would tell")

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, ast.Mult) and not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise UndecidableError("a text or a list is repeated")
        return _BINARY[type(node.op)](left, right)

    def _boolean(self, node: ast.BoolOp) -> Any:
        stops_at = isinstance(node.op, ast.Or)
        found: Any = None
        for each in node.values:
            found = self.value(each)
            if bool(found) is stops_at:
                return found
        return found

    def _name(self, name: str) -> Any:
        if name == "__file__":
            return self._machine.file
        if name in self._names:
            return self._names[name]
        if name in _BUILTINS:
            return Dotted(name)
        raise UndecidableError(f"{name} is not known here")

    def _attribute(self, owner: Any, name: str) -> Any:
        if isinstance(owner, Dotted):
            return Dotted(f"{owner.name}.{name}")
        raise UndecidableError(f".{name} is not looked up")

    def _item(self, owner: Any, index: ast.expr) -> Any:
        if owner == Dotted("os.environ"):
            name = self.value(index)
            self._machine.asked.append(f"${name}")
            return self._machine.environ[name]
        if isinstance(owner, Dotted) or isinstance(index, ast.Slice):
            raise UndecidableError("only executing it would tell")
        return owner[self.value(index)]

    def _call(self, node: ast.Call) -> Any:
        arguments = [self.value(each) for each in node.args]
        keywords = {each.arg or "": self.value(each.value) for each in node.keywords}
        if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS | {"format"}:
            owner = self.value(node.func.value)
            if isinstance(owner, str) and node.func.attr in _METHODS and not keywords:
                return getattr(owner, node.func.attr)(*arguments)
        function = self.value(node.func)
        if not isinstance(function, Dotted):
            raise UndecidableError("a function of the file's own is called")
        return self._known_call(function.name, arguments, keywords)

    def _known_call(self, name: str, arguments: list[Any], keywords: Mapping[str, Any]) -> Any:
        if name in ("os.environ.get", "os.getenv"):
            self._machine.asked.append(f"${arguments[0]}")
            default = arguments[1] if len(arguments) > 1 else keywords.get("default")
            return self._machine.environ.get(arguments[0], default)
        if name in ("multiprocessing.cpu_count", "os.cpu_count"):
            self._machine.asked.append(f"{self._machine.cpu_count} processors")
            return self._machine.cpu_count
        module, _, short = name.rpartition(".")
        if module == "os.path" and short in _PATHS:
            return _PATHS[short](*arguments)
        if name in ("os.path.abspath", "os.path.realpath") and arguments and str(arguments[0]).startswith("/"):
            return posixpath.normpath(arguments[0])
        if name in _BUILTINS and not keywords:
            return _BUILTINS[name](*arguments)
        raise UndecidableError(f"{name}() is not called here")

    def _bounded(self, found: Any) -> Any:
        if isinstance(found, str | list | tuple | dict) and len(found) > _MAX_LENGTH:
            raise UndecidableError("the value is too long")
        if isinstance(found, int | float) and abs(found) > _MAX_NUMBER:
            raise UndecidableError("the number is too large")
        return found
