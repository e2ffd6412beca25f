"""What the commands that list things have in common: where they ask, and how a table looks."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import trio

from . import options
from .remote import open_source
from .screen import clean
from .source import Source

T = TypeVar("T")
UNSTORED = {"defaults.store": "memory"}
"""Flags of a kernel that keeps nothing."""


def ask(
    config: Path | None,
    data_dir: Path | None,
    question: Callable[[Source], Awaitable[T]],
    *,
    quiet: bool = False,
    stored: bool = True,
) -> T:
    """The answer of the live server, or of a kernel opened for it; not `stored`, if it is not about sessions.

    Raises PillionError.
    """
    settings = options.load_settings(config, data_dir, None if stored else UNSTORED, quiet=quiet)
    answers: list[T] = []

    async def main() -> None:
        async with open_source(settings) as source:
            answers.append(await question(source))

    trio.run(main)
    return answers[0]


def print_json(value: Any) -> None:
    """One JSON document, readable."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, marks: Mapping[str, str] = {}) -> None:
    """Columns: rich on a terminal, tab-separated lines without a head where it is piped.

    `marks` are the styles of words that stand alone in a cell.
    """
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(clean(cell).replace("\t", " ").replace("\n", " ") for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*head, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(clean(cell), marks.get(cell, "")) for cell in row))
    Console(highlight=False).print(table)
