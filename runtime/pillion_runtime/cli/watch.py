"""`pillion watch`: what a session does, or what all do, live."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options
from .completing import session_ids

if TYPE_CHECKING:
    from pillion.settings import Settings

    from .remote import Remote
    from .source import Frames
    from .story import Story
    from .view import View


@click.command()
@click.argument("session", default="", shell_complete=session_ids)
@click.option("--all", "all_", is_flag=True, help="All sessions, from now on.")
@click.option("--after", default="", metavar="ID", help="Begin behind this event, or `latest`; else from the start.")
@click.option("--json", "json_", is_flag=True, help="Each event on a line of stdout, as JSON.")
@options.places
def watch(session: str, all_: bool, after: str, json_: bool, config: Path | None, data_dir: Path | None) -> int:
    """Follow a session of the live server, or all.

    SESSION is an id, or the beginning of one; it is followed from its beginning, until Ctrl-C or its end. Nobody is
    asked here: approvals are shown, and answered elsewhere.
    """
    import trio

    from .run import view_for
    from .view import JsonView

    if bool(session) == all_:
        raise click.UsageError("Name a session, or say --all; `pillion sessions list` names them.")
    if all_ and after:
        raise click.UsageError("--all begins now; --after is of one session.")
    settings = options.load_settings(config, data_dir)
    view = JsonView(sys.stdout, sys.stderr) if json_ or all_ else view_for(False, asks=False)
    return trio.run(_watch, settings, session, after, view, not json_)


async def _watch(settings: Settings, session: str, after: str, view: View, told: bool) -> int:
    import trio

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
            if session:
                id = await named(server, session)
                await server.session(id)  # a stream of what is not there would only try again
                frames = server.follow(id, after)
            else:
                frames = server.follow_all()
            async with frames as pages, trio.open_nursery() as nursery:
                nursery.start_soon(view.beat)
                if session or not told:
                    await _tell(pages, Story(view))
                    view.say("pillion: the session is gone." if session else "pillion: the server has ended.")
                else:
                    await _tell_all(pages, server)
                nursery.cancel_scope.cancel()
    return interrupt.code


async def _tell(pages: Frames, story: Story) -> None:
    while page := await pages.page():
        story.take(page)


async def _tell_all(pages: Frames, server: Remote) -> None:
    from .exits import ServerSaid
    from .picking import described
    from .story import Stories

    stories = Stories(sys.stdout, sys.stderr)
    while page := await pages.page():
        for id in stories.strangers(page):
            try:
                about = described(await server.session(id))
            except ServerSaid:
                about = "It is gone already."
            stories.introduce(id, about)
        stories.take(page)
