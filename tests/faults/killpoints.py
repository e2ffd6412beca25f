"""The kill points: every wait on the paths of append, model and tool, and every statement of a commit.

They are read from the source. A point is named by its function and which wait or statement of it it is, so that lines
may move.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from .killborder import LEFT_OUT, on_the_paths

COMMITS = ("pillion_storage.store", "pillion_storage.thread")
"""Modules in which every statement that the database's thread runs for a write is a point."""
Span = tuple[int, int, int, int]
"""First and last line, first and last column, as a code object's positions have them."""


class Point(Struct, frozen=True):
    """A place where the process may die. `spans` are where its instructions may stand, see killer.py; `item` counts
    the managers of one `async with`."""

    module: str
    function: str
    number: int
    kind: str
    moment: str
    file: str
    line: int
    spans: tuple[Span, ...]
    item: int = 0
    items: int = 1

    @property
    def name(self) -> str:
        return f"{self.wait}.{self.moment}"

    @property
    def wait(self) -> str:
        """The name without the moment."""
        return f"{self.place}#{self.number}.{self.kind}"

    @property
    def place(self) -> str:
        return f"{self.module}:{self.function}"


def kill_points(*, all: bool = False) -> list[Point]:
    """In the order of the source; `all`: also those of LEFT_OUT."""
    found: list[Point] = []
    waited = on_the_paths()
    for module in dict.fromkeys((*waited, *COMMITS)):
        file, functions = _functions(module)
        written = _written(functions) if module in COMMITS else set()
        for name, function in functions.items():
            if module in waited:
                found += _waits(module, name, file, function)
            if name in written:
                found += _statements(module, name, file, function)
    left_out = () if all else LEFT_OUT
    return [point for point in found if point.wait not in left_out and point.place not in left_out]


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(module: str) -> tuple[str, dict[str, Function]]:
    """The module's file and its functions, by the names that their code objects have."""
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None, module
    functions: dict[str, Function] = {}

    def look(node: ast.AST, at: str) -> None:
        for inner in ast.iter_child_nodes(node):
            match inner:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    functions[at + inner.name] = inner
                    look(inner, f"{at}{inner.name}.<locals>.")
                case ast.ClassDef():
                    look(inner, f"{at}{inner.name}.")
                case _:
                    look(inner, at)

    look(ast.parse(Path(spec.origin).read_text()), "")
    return spec.origin, functions


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions in it, in the order of the source."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            yield node
            yield from _own(node)


def _span(node: ast.expr | ast.stmt) -> Span:
    return node.lineno, node.end_lineno or 0, node.col_offset, node.end_col_offset or 0


def _waits(module: str, name: str, file: str, function: Function) -> Iterator[Point]:
    number = 0
    for node in _own(function):
        kinds: list[tuple[str, tuple[Span, ...], int, int]] = []
        match node:
            case ast.Await():
                kinds = [("await", (_span(node),), 0, 1)]
            case ast.AsyncWith(items=items):
                managers = [_span(item.context_expr) for item in items]
                every = (_span(node), *managers)
                kinds = [("enter", (every[0], span), at, len(items)) for at, span in enumerate(managers)]
                kinds.append(("leave", every, 0, len(items)))
            case ast.AsyncFor():
                kinds = [("next", (_span(node), _span(node.iter)), 0, 1)]
        for kind, spans, item, items_ in kinds:
            number += 1
            for moment in ("before", "after")[: 1 if kind == "leave" and _endless(node) else 2]:
                yield Point(module, name, number, kind, moment, file, spans[-1][0], spans, item, items_)


def _endless(node: ast.AST) -> bool:
    """A block that is only left by an error."""
    last = node.body[-1] if isinstance(node, ast.AsyncWith) else node
    breaks = any(isinstance(inner, (ast.Break, ast.Return)) for inner in ast.walk(last))
    return isinstance(last, ast.While) and ast.unparse(last.test) == "True" and not breaks


def _written(functions: dict[str, Function]) -> set[str]:
    """The functions that run for a write in the database's thread: what is given to `write`, the thread's own loop, and
    all that these call of the module."""
    reached: set[str] = set()
    ahead = [name for name in functions if name.endswith(("DatabaseThread._run", "Job.run", "._commit_all"))]
    for name, function in functions.items():
        for node in _own(function):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "self._thread.write":
                ahead += _called(name, node.args[0], functions)
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead += [other for node in _own(functions[name]) for other in _called(name, node, functions)]
    return reached


def _called(at: str, node: ast.AST, functions: dict[str, Function]) -> Iterator[str]:
    """The functions of the module that `node`, which stands in function `at`, names."""
    for inner in ast.walk(node):
        owner = at.partition(".<locals>")[0].rpartition(".")[0]
        text = ast.unparse(inner) if isinstance(inner, (ast.Name, ast.Attribute)) else ""
        for known in (f"{at}.<locals>.{text}", text, text.replace("self.", f"{owner}.", 1)):
            if text and known in functions and not isinstance(functions[known], ast.AsyncFunctionDef):
                yield known


def _statements(module: str, name: str, file: str, function: Function) -> Iterator[Point]:
    number = 0
    for node in _own(function):
        head: Sequence[ast.expr | ast.stmt] = ()
        match node:
            case ast.If(test=test) | ast.While(test=test):
                head = [test]
            case ast.For(iter=iter_):
                head = [iter_]
            case ast.With(items=items):
                head = [items[0].context_expr]
            case ast.Expr(value=ast.Constant()) | ast.Try() | ast.Pass():
                continue
            case ast.stmt():
                head = [node]
        for first in head:
            number += 1
            yield Point(module, name, number, "statement", "before", file, first.lineno, (_span(first),))
        if isinstance(node, ast.With):
            spans = (_span(node), _span(node.items[0].context_expr))
            yield Point(module, name, number, "exit", "before", file, node.lineno, spans)
