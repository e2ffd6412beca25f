"""`pillion acme`."""

from __future__ import annotations

import click


@click.command("acme")
@click.option("--number", default=1, help="Which ticket.")
def acme(number: int) -> None:
    """Say where a ticket is to be seen."""
    click.echo(f"https://tickets.acme.example/{number}")
