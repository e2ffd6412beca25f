"""What commands of plugins have in common that ask the running server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from pillion.settings import load

from .liveserver import LiveServer

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What would move a terminal's cursor, or worse."""


def on_server(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command `json_`, whether one JSON document is wanted, and `server`, which the options `--config` and
    `--data-dir` name."""

    @click.option(
        "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the server is looked for."
    )
    @click.option(
        "--config", type=click.Path(path_type=Path, dir_okay=False), help="A settings file, laid over the shipped one."
    )
    @click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")
    @wraps(command)
    def asking(*, config: Path | None, data_dir: Path | None, **given: Any) -> None:
        command(**given, server=LiveServer(load(config=config, data_dir=data_dir).data_dir))

    return asking


def say(text: str, *, nl: bool = True) -> None:
    """Prints a text that somebody else wrote, its control characters replaced."""
    click.echo(safe(text), nl=nl)


def safe(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def say_json(value: Any) -> None:
    """Prints one JSON document."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
