"""Which session somebody means: its id, the beginning of one, or the newest of a folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from pillion.errors import NotFound

from .screen import one_line
from .source import Search, Source

WHOLE = 32
"""Characters of an id."""
CANDIDATES = 8


async def named(source: Source, text: str) -> str:
    """The id that begins with `text`. Raises NotFound for none, and for more than one, naming them."""
    if len(text) >= WHOLE:
        return text  # the one it is asked of says whether there is one
    searches = [Search(), Search(archived=True)]
    there = {session["id"]: session for search in searches async for session in every(source, search)}
    found = [session for id, session in there.items() if id.startswith(text.lower())]
    if len(found) == 1:
        return str(found[0]["id"])
    if not found:
        raise NotFound(f"There is no session {text!r}; `pillion sessions list` names them.")
    lines = "".join(f"\n  {session['id']}  {described(session)}" for session in found[:CANDIDATES])
    raise NotFound(f"{len(found)} sessions begin with {text!r}:{lines}")


async def newest(source: Source, workspace: str) -> str:
    """The newest session of a folder. Raises NotFound when there is none."""
    page = await source.sessions(Search(workspace), limit=1)
    if page.data:
        return str(page.data[0]["id"])
    others = bool((await source.sessions(limit=1)).data)
    there = "`pillion sessions list` names those on other folders."
    lasting = "`pillion run` and `pillion chat` begin one."
    raise NotFound(f"There is no session on {workspace} to go on with. {there if others else lasting}")


async def every(source: Source, search: Search = Search()) -> AsyncIterator[dict[str, Any]]:  # noqa: B008
    """All sessions that are meant, the newest first."""
    cursor = ""
    while True:
        page = await source.sessions(search, cursor, 200)
        for session in page.data:
            yield session
        if not page.next_cursor:
            return
        cursor = page.next_cursor


def described(session: dict[str, Any]) -> str:
    """A session on a line: its title where it has one, and its folder."""
    return one_line(f"{session['title']} · {session['workspace']}" if session["title"] else session["workspace"])
