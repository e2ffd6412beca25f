"""The flags of the Aide editor's sidecar, for editors and scripts that start Pillion in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click

WITHOUT = {
    "--directory": str, "--repo-state-file": str, "--binary-version-hash": str, "--max-threads": int,
    "--buffer-size": int, "--collection-name": str, "--user-id": str, "--llm-endpoint": str,
    "--enable-background-polling": bool,
}  # fmt: skip
"""What is taken and does nothing here."""
SHORT = {"--max-threads": "-m", "--buffer-size": "-b", "--collection-name": "-c"}
APPLY = "plugins.aide.apply_directly"


def taken(command: Callable[..., None]) -> Callable[..., None]:
    """Gives `command`, which takes `data_dir`, `host` and `flags`, what those flags mean."""

    @wraps(command)
    def meant(*, index_dir: Path | None, apply_directly: bool, data_dir: Path | None, **given: Any) -> None:
        names = [name for name in WITHOUT if given.pop(name[2:].replace("-", "_"))]
        if names:
            click.echo(f"Taken for the sidecar's sake, and without effect here: {', '.join(names)}.", err=True)
        flags: Mapping[str, Any] = {APPLY: True} if apply_directly else {}
        command(**given, data_dir=data_dir or index_dir, flags=flags)

    options = [
        click.option(
            "-i", "--index-dir", type=click.Path(path_type=Path, file_okay=False), help="As --data-dir.", hidden=True
        ),
        click.option("--host", default=None, metavar="HOST", help="Only the host of host.bind."),
        click.option("--apply-directly", is_flag=True, help=f"As the setting {APPLY}.", hidden=True),
    ]
    for name, kind in WITHOUT.items():
        words = [SHORT[name], name] if name in SHORT else [name]
        more: dict[str, Any] = {"is_flag": True} if kind is bool else {"type": kind, "default": None}
        options.append(click.option(*words, hidden=True, help="Does nothing.", **more))
    decorated: Callable[..., None] = meant
    for option in reversed(options):
        decorated = option(decorated)
    return decorated
