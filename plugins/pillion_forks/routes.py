"""Forks over HTTP: GET and POST /api/forks; GET and DELETE …/{fork}; GET …/diff; POST …/merge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
import trio
from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion import Kernel, ToolError
from pillion.contracts.forks import Changed, Fork, Preference
from pillion.filediff import file_changed
from pillion_http.routes import answer, read_body, read_query

from .forks import AllForks
from .merging import shown
from .strategies import Order

SECONDS = 60.0
MOST = 1000
"""Files that are told with a diff; of the others the names."""
LONGEST = 4_000_000
"""Characters of all diffs together."""
View = Callable[..., Awaitable[Response]]
NAMED = {"fork": "Its name, or the beginning of it, 4 characters at least."}


class NewFork(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /api/forks. `workspace` is an absolute path, or the address of a fork; `checkpoint` one of its checkpoints,
    by its whole name: by default what is there now."""

    workspace: Annotated[str, Meta(min_length=1, max_length=4096)]
    checkpoint: str = ""


class ForkView(Struct, frozen=True):
    """A session is opened with `address` as its workspace. `origin` is the workspace that it was made from, `folder`
    where its files are reached; `way`: `reflink`, `overlay` or `copy`. `created` is RFC 3339."""

    fork: str
    address: str
    origin: str
    folder: str
    way: str
    created: str


class ForkQuery(Struct, frozen=True):
    """GET /api/forks. `workspace`: those of that one alone."""

    workspace: str = ""


class ForkList(Struct, frozen=True):
    """The oldest first."""

    data: Sequence[ForkView]


class ForkFile(Struct, frozen=True):
    """`kind`: created, changed, deleted; of a link, too. `diff` is unified, "" where only permission bits differ, null
    where the answer would become too long."""

    path: str
    kind: Literal["created", "changed", "deleted"]
    diff: str | None
    added: int = 0
    removed: int = 0


class ForkDiff(Struct, frozen=True):
    """By path: what a merge would bring."""

    data: Sequence[ForkFile]


class NewMerge(Struct, frozen=True, forbid_unknown_fields=True):
    """POST …/merge. `session` works on the fork's origin; the merge is a turn of it. `prefer`: what becomes of a file
    that both sides changed at the same place. "": it is left as it is, and told; `fork`: it becomes the fork's; `mark`:
    it gets both, between marks as git writes them."""

    session: str
    prefer: Preference = ""


class Merging(Struct, frozen=True):
    """`turn` does it; its events come after `after`, at the address `events`. `fork.merged` tells what came of it."""

    session: str
    turn: str
    after: str
    events: str


EXAMPLE: dict[str, Any] = {
    "fork": "3f9a0c11d2e4b577",
    "address": "fork://3f9a0c11d2e4b577",
    "origin": "/home/me/lantern",
    "folder": "/home/me/.local/share/pillion/plugins/forks/3f9a0c11d2e4b577/tree",
    "way": "reflink",
    "created": "2026-11-29T08:01:10.482Z",
}


def blueprint(kernel: Kernel, forks: Callable[[], AllForks]) -> Blueprint:
    routes = Blueprint("forks", __name__, url_prefix="/api/forks")
    routes.get("")(_list(forks))
    routes.post("")(_make(forks))
    routes.get("/<fork>")(_show(forks))
    routes.delete("/<fork>")(_drop(forks))
    routes.get("/<fork>/diff")(_diff(kernel, forks))
    routes.post("/<fork>/merge")(_merge(kernel, forks))
    return routes


def _list(forks: Callable[[], AllForks]) -> View:
    async def list_forks() -> Response:
        """All forks, or those of one workspace."""
        asked = read_query(ForkQuery)
        await forks().look()
        found = [fork for fork in forks().all() if asked.workspace in ("", fork.origin)]
        return answer(ForkList([_view(forks(), fork) for fork in found]))

    list_forks.openapi = {"query": ForkQuery, "answers": {200: ForkList}}  # type: ignore[attr-defined]
    return list_forks


def _make(forks: Callable[[], AllForks]) -> View:
    async def make_fork() -> Response:
        """Makes a workspace of its own that begins as another one is now, or was at a checkpoint.

        It stays until it is dropped. 429: there are as many as there may be; 413: it would copy too much.
        """
        wanted = await read_body(NewFork)
        view = _view(forks(), await forks().make(wanted.workspace, wanted.checkpoint))
        made = answer(view, 201)
        made.headers["location"] = f"/api/forks/{view.fork}"
        return made

    make_fork.openapi = {  # type: ignore[attr-defined]
        "body": NewFork,
        "answers": {201: ForkView},
        "sends": {"location": "The fork's own address."},
        "errors": (404, 413, 429),
        "example": {"workspace": "/home/me/lantern"},
        "shows": EXAMPLE,
    }
    return make_fork


def _show(forks: Callable[[], AllForks]) -> View:
    async def show_fork(fork: str) -> Response:
        """One fork."""
        await forks().look()
        return answer(_view(forks(), forks().find(fork)))

    show_fork.openapi = {"answers": {200: ForkView}, "path": NAMED, "shows": EXAMPLE}  # type: ignore[attr-defined]
    return show_fork


def _drop(forks: Callable[[], AllForks]) -> View:
    async def drop_fork(fork: str) -> Response:
        """Takes a fork away, with all that is in it. 409: a session works in it."""
        await forks().drop(fork)
        response = Response(b"", 204)
        del response.headers["content-type"]
        return response

    drop_fork.openapi = {"answers": {204: None}, "path": NAMED, "errors": (409,)}  # type: ignore[attr-defined]
    return drop_fork


def _diff(kernel: Kernel, forks: Callable[[], AllForks]) -> View:
    async def diff_fork(fork: str) -> Response:
        """What was changed in a fork since it was made, or merged. Known secrets are masked."""
        with trio.move_on_after(SECONDS):
            try:
                found = await _told(forks(), fork, kernel.secrets.redact_bytes)
            except OSError as error:
                raise ToolError(f"The files could not be compared: {error.strerror}.") from None
            return answer(ForkDiff(found))
        raise ToolError(f"Comparing the files took more than {SECONDS:g} s.")

    diff_fork.openapi = {"answers": {200: ForkDiff}, "path": NAMED}  # type: ignore[attr-defined]
    return diff_fork


def _merge(kernel: Kernel, forks: Callable[[], AllForks]) -> View:
    async def merge_fork(fork: str) -> Response:
        """Brings what a fork changed into its origin: a three-way merge, in a turn of a session there.

        Where both sides changed different places of a file, it gets both. The turn takes a checkpoint first, so that it
        can be undone. 409: a turn runs, or the session works elsewhere.
        """
        wanted = await read_body(NewMerge)
        found, session = forks().find(fork), await kernel.session(wanted.session)
        forks().check(found, session.info.workspace)
        order = Order(found.id, wanted.prefer)
        accepted = await session.prompt("", strategy="merge", when="reject", arguments=order)
        events = f"/api/sessions/{session.id}/events?after={accepted.after}"
        data = msgspec.json.encode(Merging(session.id, accepted.turn, accepted.after, events))
        return Response(data, 202, {"location": events}, content_type="application/json")

    merge_fork.openapi = {  # type: ignore[attr-defined]
        "body": NewMerge,
        "answers": {202: Merging},
        "path": NAMED,
        "sends": {"location": "Where to watch the turn."},
        "errors": (409, 410, 429, 503),
        "example": {"session": "e0981705301882bb6bad59b26a671909"},
        "shows": {
            "session": "e0981705301882bb6bad59b26a671909",
            "turn": "8243f6834a111b4870a97973dcff2c5b",
            "after": "41",
            "events": "/api/sessions/e0981705301882bb6bad59b26a671909/events?after=41",
        },
    }
    return merge_fork


def _view(forks: AllForks, fork: Fork) -> ForkView:
    time = datetime.fromtimestamp(fork.created / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return ForkView(fork.id, fork.address, fork.origin, str(forks.folder(fork)), fork.way, time)


async def _told(forks: AllForks, fork: str, mask: Callable[[bytes], bytes]) -> list[ForkFile]:
    told: list[ForkFile] = []
    size = 0
    for one in await forks.changes(fork):
        before, after = (None if leaf is None or leaf.kind == "folder" else leaf for leaf in (one.before, one.after))
        if before == after:
            continue
        if len(told) >= MOST or size > LONGEST:
            told.append(ForkFile(shown(one.path), _kind(one), None))
            continue
        contents = await forks.contents(fork, [before, after])
        old, new = (None if data is None else mask(data) for data in contents)
        change = await trio.to_thread.run_sync(file_changed, shown(one.path), old, new)
        size += len(change.diff)
        told.append(ForkFile(change.path, change.kind, change.diff, change.added, change.removed))
    return told


def _kind(one: Changed) -> Literal["created", "changed", "deleted"]:
    if one.before is None:
        return "created"
    return "deleted" if one.after is None else "changed"
