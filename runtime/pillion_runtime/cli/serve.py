"""`pillion serve`: the server, until it is told to end."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from .options import places, recorded, traffic
from .sidecarflags import taken


@click.command()
@places
@recorded
@click.option("--bind", default=None, metavar="HOST:PORT", help="Where to listen, instead of host.bind.")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Only the port; 0 takes any that is free.")
@click.option("--token-env", default=None, metavar="NAME", help="The environment variable with the bearer token.")
@click.option("--parent-pid", type=click.IntRange(1), default=None, help="End when this process has ended.")
@click.option("--dev", is_flag=True, help="Read plugins anew when their files change, from the next turn.")
@taken
def serve(
    config: Path | None,
    data_dir: Path | None,
    record: Path | None,
    replay: Path | None,
    bind: str | None,
    host: str | None,
    port: int | None,
    token_env: str | None,
    parent_pid: int | None,
    dev: bool,
    flags: Mapping[str, Any],
) -> None:
    """Serve sessions over HTTP.

    Says where on stdout, as one JSON line; the token is in the file that the line names.
    """
    gc.disable()  # until it answers: imports and plugins make much and free little
    from pillion import settings as layers

    from .. import hostsettings, server

    given = {**flags, **traffic(record, replay)} | ({"host.bind": bind} if bind else {})
    if token_env:
        given["host.token_env"] = token_env
    settings = layers.load(config=config, data_dir=data_dir, flags=given)
    if port is not None or host:
        address = hostsettings.Address.parse(hostsettings.read(settings).bind)
        given["host.bind"] = str(hostsettings.Address(host or address.host, address.port if port is None else port))
        settings = layers.load(config=config, data_dir=data_dir, flags=given)
    server.run(settings, parent_pid=parent_pid, dev=dev)
