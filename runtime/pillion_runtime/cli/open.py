"""`pillion open`: a link that signs a browser in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options

if TYPE_CHECKING:
    from pillion.settings import Settings

OF_THE_TERMINAL = ("www-browser", "links", "elinks", "lynx", "w3m")


@click.command("open")
@click.argument("session", default="")
@click.option("--print", "print_", is_flag=True, help="Only print the link; open nothing.")
@options.as_json
@options.places
def open_(session: str, print_: bool, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Open the running server's page in a browser.

    SESSION is the one to show. The link signs in one browser, once, within a minute.
    """
    import trio

    from .listing import print_json

    made = trio.run(_link, options.load_settings(config, data_dir), session)
    if json_:
        print_json(made)
        return
    click.echo(made["url"])
    if print_:
        click.echo(f"It works once, within {made['seconds']:g} seconds.", err=True)
        return
    if not _started(made["url"]):
        click.echo("No browser could be started; open the link in one yourself, within a minute.", err=True)


def _started(url: str) -> bool:
    """Whether a browser that can show the page was started. One of the terminal can't, and would use the link up."""
    import webbrowser

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    return getattr(browser, "basename", "") not in OF_THE_TERMINAL and browser.open(url)


async def _link(settings: Settings, session: str) -> dict[str, Any]:
    from pillion.errors import NotFound

    from .remote import find_server

    server = await find_server(settings.data_dir)
    if server is None:
        raise NotFound(f"No server runs on {settings.data_dir}. Start one: `pillion serve`.")
    return await server.link(session)
