"""Values for the shell's completion, quickly: from the live server alone, and nothing where there is none."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import click
from click.shell_completion import CompletionItem

SECONDS = 1.0
"""What a person who pressed Tab waits at most."""


def session_ids(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of the newest sessions, with what they are about."""
    found = _asked(ctx, "/api/sessions?limit=50")
    return [
        CompletionItem(session["id"], help=session["title"] or session["workspace"])
        for session in found
        if session["id"].startswith(incomplete)
    ]


def model_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of models."""
    return [model["name"] for model in _asked(ctx, "/api/models") if incomplete in model["name"]]


def strategy_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of strategies."""
    return [each["name"] for each in _asked(ctx, "/api/strategies") if each["name"].startswith(incomplete)]


def plugin_names(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of plugins."""
    return [each["name"] for each in _asked(ctx, "/api/plugins") if each["name"].startswith(incomplete)]


def _asked(ctx: click.Context, path: str) -> list[dict[str, Any]]:
    """The rows of a route. Without trio, which would cost more than the answer."""
    from pillion.settings import load

    from .. import discovery

    try:
        found = discovery.read(load(data_dir=ctx.params.get("data_dir")).data_dir)
        if found is None:
            return []
        request = urllib.request.Request(found.url + path, headers={"Authorization": f"Bearer {found.token}"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=SECONDS) as answer:
            return list(json.load(answer)["data"])
    except Exception:  # a shell that completes shows no traceback
        return []
