"""`pillion watch SESSION`: what a session does, live, all its turns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options
from .completing import session_ids

if TYPE_CHECKING:
    from pillion.settings import Settings

    from .view import View


@click.command()
@click.argument("session", shell_complete=session_ids)
@click.option("--after", default="", metavar="ID", help="Begin behind this event, or `latest`; else from the start.")
@click.option("--json", "json_", is_flag=True, help="Each event on a line of stdout, as JSON.")
@options.places
def watch(session: str, after: str, json_: bool, config: Path | None, data_dir: Path | None) -> int:
    """Follow a session of the live server, from its beginning, until Ctrl-C or its end.

    SESSION is an id, or the beginning of one. Nobody is asked here: approvals are shown, and answered elsewhere.
    """
    import trio

    from .run import view_for

    settings = options.load_settings(config, data_dir)
    return trio.run(_watch, settings, session, after, view_for(json_, asks=False))


async def _watch(settings: Settings, session: str, after: str, view: View) -> int:
    from pillion.errors import ConfigError

    from .interrupt import interruptible
    from .picking import named
    from .remote import find_server
    from .story import Story

    server = await find_server(settings.data_dir)
    if server is None:
        hint = "`pillion serve` starts one; `pillion sessions show` reads what was."
        raise ConfigError("No server runs on this data directory, so nothing happens that could be watched.", hint=hint)
    async with interruptible() as interrupt:
        with view:
            id = await named(server, session)
            await server.session(id)  # a stream of what is not there would only try again
            story = Story(view)
            async with server.follow(id, after) as frames:
                while page := await frames.page():
                    story.take(page)
    return interrupt.code
