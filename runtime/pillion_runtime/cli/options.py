"""Options that several commands take, and the settings they lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from logging import CRITICAL, WARNING
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .completing import session_ids

if TYPE_CHECKING:
    from pillion.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def places(command: F) -> F:
    """--config and --data-dir."""
    config = click.option(
        "--config", type=click.Path(path_type=Path, dir_okay=False), help="A settings file, laid over the shipped one."
    )
    data_dir = click.option(
        "--data-dir",
        envvar="PILLION_DATA_DIR",  # as the settings read it; completion does without those
        type=click.Path(path_type=Path, file_okay=False),
        help="Where the server keeps what is its own, its address and token among it.",
    )
    return config(data_dir(command))


def going_on(command: F) -> F:
    """-c and --resume."""
    newest = click.option("-c", "--continue", "continue_", is_flag=True, help="Go on with the folder's newest session.")
    named = click.option(
        "--resume",
        default="",
        metavar="ID",
        shell_complete=session_ids,
        help="Go on with that session; the beginning of its id is enough.",
    )
    return newest(named(command))


def recorded(command: F) -> F:
    """--record and --replay."""
    record = click.option(
        "--record",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Keep what models are asked and answer in this file, without keys.",
    )
    replay = click.option(
        "--replay",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="Take all answers of models from this file, without key and network.",
    )
    return record(replay(command))


def traffic(record: Path | None, replay: Path | None) -> dict[str, Any]:
    """The flags that --record and --replay stand for; empty without them."""
    if record and replay:
        raise click.UsageError("--record and --replay: a run is one or the other.")
    if not record and not replay:
        return {}
    files = {"record": record, "replay": replay}
    named = {f"plugins.replay.{name}": str(path.absolute()) if path else "" for name, path in files.items()}
    return {"plugins.replay.enabled": True} | named


def as_json(command: F) -> F:
    """--json, for commands that answer once."""
    return click.option("--json", "json_", is_flag=True, help="One JSON document on stdout.")(command)


def load_settings(
    config: Path | None, data_dir: Path | None, flags: Mapping[str, Any] | None = None, *, quiet: bool = False
) -> Settings:
    """All layers read, and warnings sent to stderr with secrets masked. Raises ConfigError.

    `quiet` is for commands that tell themselves what went wrong.
    """
    from pillion import settings as layers

    from .warnings_log import to_stderr

    settings = layers.load(config=config, data_dir=data_dir, flags=flags)
    to_stderr(settings.secrets, CRITICAL if quiet else WARNING)
    return settings
