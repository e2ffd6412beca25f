"""The project's Python files, parsed: what the meta-tests look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from msgspec import Struct

TOP = Path(__file__).parents[2]
ROOMS = ("core", "runtime", "plugins")
PLUGINS = sorted(path.parent.name for path in TOP.glob("plugins/pillion_*/plugin.py"))


class Source(Struct, frozen=True):
    """One file; `path` is relative to the top, `package` is its first part in an import."""

    path: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.path.split("/")[1]


@cache
def sources(*rooms: str) -> tuple[Source, ...]:
    """All files of the rooms."""
    found = [path for room in rooms or ROOMS for path in sorted((TOP / room).rglob("*.py"))]
    texts = [(str(path.relative_to(TOP)), path.read_text("utf-8")) for path in found]
    return tuple(Source(path, text, ast.parse(text, path)) for path, text in texts)


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Dotted names that a file imports from elsewhere, and where."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from ((alias.name, node.lineno) for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def dotted(node: ast.AST) -> str:
    """`a.b.c` as text; "" for what is no such name."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            below = dotted(value)
            return f"{below}.{attr}" if below else f"?.{attr}"
        case _:
            return ""


def used(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Dotted names that a file uses, and where; what stands before the first dot may be any expression: `?`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (name := dotted(node)):
            yield name, node.lineno
