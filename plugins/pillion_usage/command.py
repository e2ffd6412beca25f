"""`pillion usage`: what model calls used, from the running server, or from the database where none runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import click
import msgspec
import trio

from pillion import ConfigError

from .sums import Readable, found
from .view import Asked, UsagePage, page, wanted

if TYPE_CHECKING:
    from pillion.plugins import PluginHost

SECONDS = 30.0
"""In which the server answers; it is on this machine."""
Load = Callable[[Path | None, Path | None], "PluginHost"]
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""What would move a terminal's cursor, or worse."""


def usage_command(load: Load) -> click.Command:
    """The command, for the program that brings in plugins by `load`."""

    @click.command("usage")
    @click.option("--by", type=click.Choice(["session", "model", "role", "day", "turn", "step"]), default="day")
    @click.option("--days", type=click.IntRange(min=1), default=30, help="The last ones, today's included.")
    @click.option("--session", default="", help="Of one session with its children: its whole id.")
    @click.option("--ephemeral", is_flag=True, help="Of sessions that end with the server, which knows them alone.")
    @click.option("--limit", type=click.IntRange(1, 1000), default=30, help="Rows, the newest ones.")
    @click.option("--json", "json_", is_flag=True, help="One JSON document on stdout, as GET /api/usage gives it.")
    @click.option(
        "--config", type=click.Path(path_type=Path, dir_okay=False), help="A settings file, laid over the shipped one."
    )
    @click.option(
        "--data-dir",
        envvar="PILLION_DATA_DIR",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where the server is looked for.",
    )
    def usage(json_: bool, config: Path | None, data_dir: Path | None, days: int, **asked: Any) -> None:
        """Say what models used: tokens, and what they cost in US dollars.

        Days are those of UTC. Every call counts: of children, for titles, and those that failed.
        """
        host = load(config, data_dir)
        since = datetime.now(UTC).date() - timedelta(days=days - 1)
        query = msgspec.convert(asked | {"since": since}, Asked)
        found = _of_server(host.settings.data_dir, query) or trio.run(_of_store, host, query)
        if json_:
            click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        else:
            click.echo("\n".join(lines(found, query)))

    return usage


def lines(found: UsagePage, asked: Asked) -> list[str]:
    """A table for people, the total last."""
    rows = [
        (_named(one.key, one.step, one.title), one.calls, one.errors, one.input, one.cached, one.output, one.cost)
        for one in found.data
    ]
    total = found.total
    rows.append(("total", total.calls, total.errors, total.input, total.cached, total.output, total.cost))
    cells = [(str(asked.by), "calls", "failed", "in", "cached", "out", "cost")]
    cells += [
        (name, f"{calls:,}", f"{errors:,}", f"{input:,}", f"{cached:,}", f"{output:,}", f"${cost:,.4f}")
        for name, calls, errors, input, cached, output, cost in rows
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    table = [_line(row, widths) for row in cells]
    if found.next_cursor:
        table.insert(-1, "…")
    if found.since:
        table.append(f"Known since {found.since}: these calls are kept in memory alone.")
    return table


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(row, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)])


def _named(key: str, step: int | None, title: str | None) -> str:
    name = key[:8] if title is not None or step is not None else key or "(conversation)"
    named = f"{name} {step}" if step is not None else f"{name} {title}".rstrip() if title is not None else name
    flat = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", named)
    return flat if len(flat) <= 60 else f"{flat[:59]}…"


def _of_server(data_dir: Path, asked: Asked) -> UsagePage | None:
    """What the running server says; None where there is none. Raises ClickException."""
    try:
        server = json.loads((data_dir / "server.json").read_text("utf-8"))
        place, token = urlsplit(server["url"]), server["token"]
    except (OSError, ValueError, KeyError):
        return None
    query = {name: value for name, value in msgspec.to_builtins(asked).items() if value not in (None, "", False)}
    query |= {"ephemeral": "true"} if asked.ephemeral else {}
    connection = HTTPConnection(place.hostname or "", place.port, timeout=SECONDS)
    try:
        connection.request("GET", f"/api/usage?{urlencode(query)}", headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        said = answer.read()
    except ConnectionRefusedError:
        return None
    except (OSError, HTTPException) as error:
        raise click.ClickException(f"The server did not answer: {error}.") from None
    finally:
        connection.close()
    if answer.status >= 400:
        raise click.ClickException(msgspec.json.decode(said).get("detail") or answer.reason)
    return msgspec.json.decode(said, type=UsagePage)


async def _of_store(host: PluginHost, asked: Asked) -> UsagePage:
    """What the store of the settings holds. Raises ConfigError, NotFound, StoreFailed."""
    name = host.settings.defaults.store
    makers = [made for _, made in host.ask("register_stores", settings=host.settings, host=host) if name in made]
    if asked.ephemeral or not makers:
        raise ConfigError(
            "No server runs, and what was in memory ended with it.", key="store", hint="`pillion serve` starts one."
        )
    store = await makers[0][name]()
    try:
        if asked.session:
            await store.info(asked.session)
        if not isinstance(store, Readable):
            raise ConfigError(f"The store {name!r} has no table of calls.", key="defaults.store")
        return page(await store.reading(partial(found, wanted=wanted(asked))), asked, None)
    finally:
        await store.aclose()
