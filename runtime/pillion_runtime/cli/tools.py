"""`pillion tools`: what a model may call here."""

from __future__ import annotations

from pathlib import Path

import click

from . import options


@click.group()
def tools() -> None:
    """What a model may call here."""


@tools.command("list")
@options.as_json
@options.places
def list_(json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Every tool that a turn would get in an empty folder, with its effect."""
    from .listing import ask, print_json, print_table

    known = ask(config, data_dir, lambda source: source.tools(), stored=False)
    if json_:
        print_json(known)
        return
    rows = [(tool["name"], tool["effect"], tool["description"]) for tool in known]
    print_table(("tool", "effect", "what it does"), rows, marks=STYLES)


STYLES = {"read": "green", "write": "yellow", "execute": "red", "network": "red"}
