"""`pillion models`: the models that can answer here."""

from __future__ import annotations

from pathlib import Path

import click

from . import options


@click.group()
def models() -> None:
    """The models that can answer here."""


@models.command("list")
@options.as_json
@options.places
def list_(json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Every model of the providers that are set up; the first is the default."""
    import msgspec

    from .listing import ask, print_json, print_table

    known = ask(config, data_dir, lambda source: source.models(), stored=False)
    if json_:
        print_json(msgspec.to_builtins(known))
        return
    if not known:
        click.echo("No model is available. `pillion doctor` says what would bring one.", err=True)
        return
    rows = [(model.name, f"{model.context:,}", f"{model.output:,}", model.tools, model.note) for model in known]
    print_table(("model", "context", "output", "tools", "to know"), rows)
