"""Values for the shell's completion: from the live server, and without the kernel, so that they come quickly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

SECONDS = 1.0
"""What a person who pressed Tab waits at most."""


def session_ids(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of the newest sessions, with what they are about."""
    return [
        CompletionItem(session["id"], help=session["title"] or session["workspace"])
        for session in _asked(ctx, "/api/sessions?limit=50") or []
        if session["id"].startswith(incomplete)
    ]


def model_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of models."""
    return [model["name"] for model in _asked(ctx, "/api/models") or [] if incomplete in model["name"]]


def strategy_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of strategies."""
    known = _asked(ctx, "/api/strategies") or []
    return [strategy["name"] for strategy in known if strategy["name"].startswith(incomplete)]


def plugin_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of plugins; without a server those of the settings."""
    known = _asked(ctx, "/api/plugins")
    names = _listed(ctx) if known is None else [plugin["name"] for plugin in known]
    return [name for name in names if name.startswith(incomplete)]


def _asked(ctx: click.Context, path: str) -> list[dict[str, Any]] | None:
    """The rows of a route; None where no server answers. Without trio, which would cost more than the answer."""
    import http.client
    from urllib.parse import urlsplit

    import platformdirs

    from .. import discovery

    found = discovery.read(ctx.params.get("data_dir") or platformdirs.user_data_path("pillion"))
    if found is None:
        return None
    try:
        connection = http.client.HTTPConnection(urlsplit(found.url).netloc, timeout=SECONDS)
        connection.request("GET", path, headers={"Authorization": f"Bearer {found.token}"})
        answer = connection.getresponse()
        return list(json.loads(answer.read())["data"]) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None  # a shell that completes shows no traceback


def _listed(ctx: click.Context) -> list[str]:
    from pillion.errors import ConfigError
    from pillion.settings import load

    config = ctx.params.get("config")
    try:
        return list(load(config=Path(config) if config else None).plugins)
    except ConfigError:
        return []
