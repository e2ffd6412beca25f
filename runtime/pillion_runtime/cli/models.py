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
@click.option("--roles", is_flag=True, help="Instead: for each role the models that are asked, in order.")
@options.as_json
@options.places
def list_(roles: bool, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Every model of the providers that are set up; the first is the default."""
    import msgspec

    from .listing import ask, print_json, print_table

    told = ask(config, data_dir, lambda source: source.model_list(), stored=False)
    if json_:
        print_json(msgspec.to_builtins(told.roles if roles else told.data))
        return
    if roles:
        print_table(("role", "asks"), [(role, ", ".join(line)) for role, line in told.roles.items()])
        return
    if not told.data:
        click.echo("No model is available. `pillion doctor` says what would bring one.", err=True)
        return
    print_table(
        ("model", "context", "output", "tools", "counted by", "to know"),
        [
            (model.name, f"{model.context:,}", f"{model.output:,}", model.tools, told.counters[model.name], model.note)
            for model in told.data
        ],
    )


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
