"""`pillion keys`: the providers' keys in the user's key file. A key is never an argument, and never shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options

if TYPE_CHECKING:
    from pillion.keys import KeyFile


@click.group()
def keys() -> None:
    """The providers' keys that are kept in your key file.

    A key is looked for in the environment first, then a `key_command` of the settings is asked, then this file.
    """


@keys.command("set")
@click.argument("name")
@options.places
def set_(name: str, config: Path | None, data_dir: Path | None) -> None:
    """Keep a key for the provider NAME: from stdin, or typed without being shown."""
    typed = sys.stdin.isatty()
    key = click.prompt(f"Key for {name}", hide_input=True, err=True) if typed else sys.stdin.read()
    where = _file(config, data_dir).put(name, key.strip())
    click.echo(f"Kept in {where}. A server that runs takes it at its next start.", err=True)


@keys.command("list")
@options.as_json
@options.places
def list_(json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """The names of the keys that are kept, and where."""
    from .listing import print_json

    file = _file(config, data_dir)
    names = sorted(file.read())
    if json_:
        print_json({"file": str(file.path or ""), "names": names})
        return
    for name in names:
        click.echo(name)
    if not names:
        click.echo(f"No key is kept in {file.path or 'a file of yours'}.", err=True)


@keys.command("remove")
@click.argument("name")
@options.places
def remove(name: str, config: Path | None, data_dir: Path | None) -> None:
    """Forget the key NAME."""
    where = _file(config, data_dir).remove(name)
    click.echo(f"Removed from {where}.", err=True)


def _file(config: Path | None, data_dir: Path | None) -> KeyFile:
    return options.load_settings(config, data_dir, quiet=True).environment.keyring.file
