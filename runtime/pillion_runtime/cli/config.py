"""`pillion config`: the settings in force, whether they are right, and what there is to set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import options


@click.group()
def config() -> None:
    """The settings: in force, right or wrong, possible."""


@config.command("show")
@click.option("--origin", is_flag=True, help="Also where each value comes from.")
@click.option("--all", "all_", is_flag=True, help="Also what stands at its default.")
@options.as_json
@options.places
def show(origin: bool, all_: bool, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """The settings that the next command or server would run with; secrets are masked."""
    from ..inforce import in_force
    from .listing import print_json

    settings = options.load_settings(config, data_dir)
    told = (
        {k: {"value": v.value, "from": v.source} for k, v in in_force(settings).items()} if all_ else settings.masked()
    )
    if json_:
        print_json(told if origin else {key: value["value"] for key, value in told.items()})
        return
    width = max((len(f"{key} = {_toml(each['value'])}") for key, each in told.items()), default=0)
    width = min(width, 60)
    for key, each in told.items():
        line = f"{key} = {_toml(each['value'])}"
        print(f"{line:<{width}}  # {each['from']}" if origin else line)


@config.command("validate")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@options.as_json
@options.places
def validate(file: Path | None, json_: bool, config: Path | None, data_dir: Path | None) -> int:
    """Check a settings file, by default the one in use, with each plugin's section. Exit code 2 when it is wrong."""
    from pillion.errors import PillionError

    from .checking import Wrong, problems
    from .listing import print_json

    try:
        settings = options.load_settings(file or config, data_dir, quiet=True)
        where = str(settings.user_file or "") if settings.user_file and settings.user_file.is_file() else ""
        wrong = problems(settings)
    except PillionError as error:
        where, wrong = str(file or config or ""), [Wrong.of(error)]
    placed = [each.placed(Path(where)) for each in wrong] if where else wrong
    if json_:
        print_json({"ok": not wrong, "file": where, "problems": [each.told() for each in placed]})
    else:
        for each in placed:
            click.echo(f"{where or 'settings'}{f':{each.line}' if each.line else ''}: {each.message}", err=True)
        if not wrong:
            click.echo(f"{where or 'The shipped settings, without a file of yours,'} {'is' if where else 'are'} fine.")
    return 2 if wrong else 0


@config.command("schema")
@options.places
def schema(config: Path | None, data_dir: Path | None) -> None:
    """JSON Schema of a settings file with the plugins of the settings in use, so that an editor completes it."""
    from .checking import file_schema
    from .listing import print_json

    print_json(file_schema(options.load_settings(config, data_dir, quiet=True)))


def _toml(value: Any) -> str:
    """A value as it would stand in the file."""
    import msgspec

    if isinstance(value, str | bool | int | float | list) or value is None:
        return msgspec.json.encode(value).decode() if value is not None else '""'
    return str(value)
