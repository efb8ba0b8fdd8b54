"""What a gunicorn.conf.py sets, found statement by statement without executing it. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from circus_stack.moving.gunicorn.expression import Dotted, Expression, Machine, UndecidableError


class Setting(Struct, frozen=True):
    """A name's value, with its line and text; `asked` says what of this machine has gone into it."""

    value: Any
    line: int
    text: str
    asked: tuple[str, ...] = ()


class Unknown(Struct, frozen=True):
    """A statement whose effect is not known; `names` are those that it would set."""

    line: int
    text: str
    why: str
    names: tuple[str, ...] = ()


class Found(Struct):
    """All that the file says. `functions` are its definitions by name: hooks among them."""

    settings: dict[str, Setting] = field(default_factory=dict)
    functions: dict[str, Unknown] = field(default_factory=dict)
    unknown: list[Unknown] = field(default_factory=list)


class Reader:
    """Goes through the statements in their order."""

    def __init__(self, source: str, machine: Machine) -> None:
        self.found = Found()
        self._source = source.splitlines()
        self._machine = machine
        self._names: dict[str, Any] = {}
        self._expression = Expression(self._names, machine)

    def read(self, statements: Iterable[ast.stmt]) -> None:
        """Take these statements in."""
        for statement in statements:
            try:
                self._read(statement)
            except UndecidableError as reason:
                self._give_up(statement, str(reason))

    def _read(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=targets):
                self._assign(targets, statement.value, statement)
            case ast.AnnAssign(value=ast.expr() as value):
                self._assign([statement.target], value, statement)
            case ast.AugAssign(target=ast.Name() as target):
                whole = ast.BinOp(ast.Name(target.id), statement.op, statement.value)
                self._assign([target], whole, statement)
            case ast.Import() | ast.ImportFrom():
                self._import(statement)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._names.pop(statement.name, None)
                self.found.functions[statement.name] = Unknown(statement.lineno, self._text(statement), "")
            case ast.If():
                self.read(statement.body if self._expression.value(statement.test) else statement.orelse)
            case ast.Try():
                self.read(statement.body)
            case ast.Pass() | ast.AnnAssign() | ast.ClassDef() | ast.Expr(value=ast.Constant()):
                pass
            case _:
                raise UndecidableError("only executing it would tell what it does")

    def _assign(self, targets: list[ast.expr], expression: ast.expr, statement: ast.stmt) -> None:
        before = len(self._machine.asked)
        value = self._expression.value(expression)
        asked = tuple(self._machine.asked[before:])
        for target in targets:
            if not isinstance(target, ast.Name):
                raise UndecidableError("only plain names are set here")
            self._names[target.id] = value
            self.found.settings[target.id] = Setting(value, statement.lineno, self._text(statement), asked)

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        prefix = f"{statement.module}." if isinstance(statement, ast.ImportFrom) else ""
        for each in statement.names:
            if each.name == "*":
                raise UndecidableError("what the module sets is not known")
            top = each.name if prefix or each.asname else each.name.partition(".")[0]
            self._names[each.asname or top] = Dotted(prefix + top)

    def _give_up(self, statement: ast.stmt, why: str) -> None:
        names = tuple(
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        )
        for name in names:
            # Its older value holds no more.
            self._names.pop(name, None)
            self.found.settings.pop(name, None)
        self.found.unknown.append(Unknown(statement.lineno, self._text(statement), why, names))

    def _text(self, statement: ast.stmt) -> str:
        """The first line of it."""
        lines = self._source[statement.lineno - 1 : statement.end_lineno or statement.lineno]
        text = lines[0].strip() if lines else ""
        return f"{text} ..." if len(lines) > 1 else text


def read_settings(source: str, machine: Machine) -> Found:
    """What the text sets. Raises SyntaxError, and ValueError for a text that Python itself can't read."""
    reader = Reader(source, machine)
    try:
        reader.read(ast.parse(source).body)
    except (RecursionError, MemoryError):
        raise ValueError("is nested too deeply") from None
    return reader.found
