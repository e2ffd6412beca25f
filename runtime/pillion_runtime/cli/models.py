"""`pillion models`: the models that can answer here."""

from __future__ import annotations

from pathlib import Path

import click

from . import options
from .completing import model_names


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


@models.command("verify")
@click.argument("names", nargs=-1, metavar="[MODEL]...", shell_complete=model_names)
@click.option(
    "--seconds", type=click.FloatRange(1, 300), default=30.0, show_default=True, help="How long each may take."
)
@options.as_json
@options.places
def verify(names: tuple[str, ...], seconds: float, json_: bool, config: Path | None, data_dir: Path | None) -> int:
    """Really ask each MODEL, by default the default one, for a word. Exit code 5 when one does not answer."""
    import msgspec

    from . import exits
    from .listing import ask, print_json, print_table
    from .verifying import verified

    told = ask(config, data_dir, lambda source: verified(source, names or ("",), seconds))
    if json_:
        print_json(msgspec.to_builtins(told))
    else:
        rows = [(one.model, one.verdict, f"{one.seconds:.2f} s", one.detail) for one in told]
        print_table(("model", "verdict", "took", "why"), rows, marks={"ok": "green"})
    return exits.DONE if all(one.ok for one in told) else exits.PROVIDER
