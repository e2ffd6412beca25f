"""`pillion sessions`: what has been talked about, and how it stands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .ages import age
from .completing import session_ids

if TYPE_CHECKING:
    from .source import Source


@click.group()
def sessions() -> None:
    """What has been talked about, and how it stands."""


@sessions.command("list")
@click.option(
    "-w",
    "--workspace",
    type=click.Path(path_type=Path, file_okay=False),
    help="Only those on this folder.",
)
@click.option("-q", "--search", "text", default="", help="Only those with these words in title or conversation.")
@click.option("--archived", is_flag=True, help="Those that were put aside.")
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), default=50, help="So many at most.  [default: 50]")
@options.as_json
@options.places
def list_(
    workspace: Path | None,
    text: str,
    archived: bool,
    limit: int,
    json_: bool,
    config: Path | None,
    data_dir: Path | None,
) -> None:
    """The sessions, the newest first."""
    from .listing import ask, print_json, print_table
    from .picking import every
    from .source import Search

    search = Search(str(workspace.resolve()) if workspace else "", text, archived)

    async def question(source: Source) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async for session in every(source, search):
            found.append(session)
            if len(found) == limit:
                break
        return found

    found = ask(config, data_dir, question)
    if json_:
        print_json(found)
        return
    if not found:
        none = "There is no session yet. `pillion run` and `pillion chat` begin one."
        click.echo("There is no such session." if text or archived else none, err=True)
        return
    passage = ("passage",) if text else ()
    rows = [_row(session, sys.stdout.isatty()) for session in found]
    if text:
        rows = [(*row, session["match"] or "") for row, session in zip(rows, found, strict=True)]
    print_table((*HEAD, *passage), rows, marks=STYLES)


HEAD = ("session", "updated", "state", "model", "about", "folder")
SHORT = 8
"""Characters of an id that tell it from others."""
STYLES = {"running": "green", "stopping": "yellow", "idle": "dim"}


def _row(session: dict[str, Any], person: bool) -> tuple[str, ...]:
    """For a person the beginning of the id, and how long ago it was."""
    id, when = session["id"], session["updated"]
    named = (id[:SHORT], age(when)) if person else (id, when)
    return *named, session["state"], session["model"] or "auto", session["title"], session["workspace"]


@sessions.command("show")
@click.argument("session", shell_complete=session_ids)
@options.as_json
@options.places
def show(session: str, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """A session and its conversation. SESSION is an id, or the beginning of one."""
    import msgspec

    from .conversation import print_conversation
    from .listing import ask, print_json
    from .picking import named

    async def question(source: Source) -> tuple[dict[str, Any], list[Any]]:
        id = await named(source, session)
        return await source.session(id), await source.messages(id)

    info, messages = ask(config, data_dir, question)
    if json_:
        print_json(info | {"messages": msgspec.to_builtins(messages)})
        return
    print_conversation(info, messages)


@sessions.command("rename")
@click.argument("session", shell_complete=session_ids)
@click.argument("title")
@options.places
def rename(session: str, title: str, config: Path | None, data_dir: Path | None) -> None:
    """Call a session TITLE. SESSION is an id, or the beginning of one."""
    from .listing import ask
    from .picking import named

    async def question(source: Source) -> None:
        await source.rename(await named(source, session), title)

    ask(config, data_dir, question)


@sessions.command("archive")
@click.argument("session", nargs=-1, required=True, shell_complete=session_ids)
@options.places
def archive(session: tuple[str, ...], config: Path | None, data_dir: Path | None) -> None:
    """Put sessions aside: lists leave them out. SESSION is an id, or the beginning of one."""
    _put(session, True, config, data_dir)


@sessions.command("unarchive")
@click.argument("session", nargs=-1, required=True, shell_complete=session_ids)
@options.places
def unarchive(session: tuple[str, ...], config: Path | None, data_dir: Path | None) -> None:
    """Take archived sessions up again. SESSION is an id, or the beginning of one."""
    _put(session, False, config, data_dir)


def _put(sessions: tuple[str, ...], archived: bool, config: Path | None, data_dir: Path | None) -> None:
    from .listing import ask
    from .picking import named

    async def question(source: Source) -> None:
        for id in [await named(source, one) for one in sessions]:
            await source.archive(id, archived)

    ask(config, data_dir, question)


@sessions.command("fork")
@click.argument("session", shell_complete=session_ids)
@click.option("--at", type=click.IntRange(1), help="The number of an event; by default the last one.")
@options.as_json
@options.places
def fork(session: str, at: int | None, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Open a session that begins with the conversation of another. SESSION is an id, or the beginning of one."""
    from .listing import ask, print_json
    from .picking import named

    async def question(source: Source) -> dict[str, Any]:
        return await source.fork(await named(source, session), at)

    forked = ask(config, data_dir, question)
    if json_:
        print_json(forked)
    else:
        click.echo(forked["id"])


@sessions.command("export")
@click.argument("session", shell_complete=session_ids)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file.  [default: stdout]")
@options.places
def export(session: str, output: Path | None, config: Path | None, data_dir: Path | None) -> None:
    """Write a session, with its children, as lines of JSON. SESSION is an id, or the beginning of one."""
    from .listing import ask
    from .picking import named
    from .transfer import written

    async def question(source: Source) -> None:
        id = await named(source, session)
        with written(output) as write:
            await source.export(id, write)

    ask(config, data_dir, question)


@sessions.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True))
@click.option("--new-ids", is_flag=True, help="Give its sessions other ids than the file has.")
@options.as_json
@options.places
def import_(file: Path, new_ids: bool, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Take in what `sessions export` wrote; prints the session's id. FILE may be `-` for stdin."""
    from .listing import ask, print_json
    from .transfer import read

    async def question(source: Source) -> dict[str, Any]:
        with read(file) as more:
            return await source.import_(more, new_ids=new_ids)

    taken = ask(config, data_dir, question)
    if json_:
        print_json(taken)
    else:
        click.echo(taken["id"])


@sessions.command("resume")
@click.argument("session", shell_complete=session_ids)
@click.option("--json", "json_", is_flag=True, help="Each event on a line of stdout, as JSON.")
@click.option("-y", "--yes", is_flag=True, help="Allow every call that would be asked for.")
@options.places
def resume(session: str, json_: bool, yes: bool, config: Path | None, data_dir: Path | None) -> int:
    """Go on with a turn that was interrupted or failed, and with the prompts that wait.

    SESSION is an id, or the beginning of one. It is watched, and ends, as `pillion run` does.
    """
    import trio

    from .ride import Order
    from .run import conduct, view_for
    from .source import Wish

    settings = options.load_settings(config, data_dir)
    order = Order("", Wish(""), session, resumes=True, yes=yes, stopping=settings.deadlines.stopping)
    return trio.run(conduct, order, settings, view_for(json_), config)


@sessions.command("compact")
@click.argument("session", shell_complete=session_ids)
@click.option("--json", "json_", is_flag=True, help="Each event on a line of stdout, as JSON.")
@options.places
def compact(session: str, json_: bool, config: Path | None, data_dir: Path | None) -> int:
    """Make what models are sent of a session's conversation shorter; the session keeps all.

    SESSION is an id, or the beginning of one.
    """
    import trio

    from .ride import Order
    from .run import conduct, view_for
    from .source import Wish

    settings = options.load_settings(config, data_dir)
    order = Order("", Wish(""), session, compacts=True, stopping=settings.deadlines.stopping)
    return trio.run(conduct, order, settings, view_for(json_), config)


@sessions.command("delete")
@click.argument("session", nargs=-1, required=True, shell_complete=session_ids)
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@options.as_json
@options.places
def delete(session: tuple[str, ...], yes: bool, json_: bool, config: Path | None, data_dir: Path | None) -> None:
    """Stop and forget sessions. SESSION is an id, or the beginning of one; several may be named."""
    from .listing import ask, print_json
    from .picking import described, named

    async def question(source: Source) -> list[str]:
        ids = [await named(source, one) for one in session]
        for id in ids:
            info = await source.session(id)
            if not yes:
                click.confirm(f"Delete {id[:8]}  {described(info)}?", abort=True, err=True)
            await source.delete(id)
        return ids

    deleted = ask(config, data_dir, question)
    if json_:
        print_json({"deleted": deleted})
        return
    for id in deleted:
        click.echo(f"Deleted {id}.")
