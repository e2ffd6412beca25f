"""Overlays: texts that are unsaved in an editor, which win over the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from quart import Blueprint, Response

from pillion.errors import NotFound, ToolError
from pillion.overlay import LARGEST, Overlay, text_place
from pillion.session import Session

from .. import conditions
from ..bodies import Listed, answer, nothing, read
from ..described import described
from ..host import Host
from ..problems import FieldError, Refused

PATH = {"path": "The file, relative to the session's workspace."}
TAG = {"etag": "The text's hash, for `If-Match`."}


class NewOverlay(Struct, frozen=True, forbid_unknown_fields=True):
    """PUT …/overlays/{path}. `version` is the editor's own number of this text, given back in `file.edit_wanted`."""

    text: Annotated[str, Meta(max_length=LARGEST)]
    version: int | None = None


class OverlayView(Struct, frozen=True):
    """An unsaved text: `hash` is SHA-256 (hex) of it in UTF-8, `size` its bytes."""

    path: str
    version: int | None
    hash: str
    size: int
    edited: bool
    """A tool changed it, and no PUT has said since that the editor knows."""


class OverlayText(OverlayView, frozen=True):
    """One with its text."""

    text: str


def blueprint(host: Host) -> Blueprint:
    routes = Blueprint("overlays", __name__, url_prefix="/api/sessions/<id>/overlays")

    @routes.get("")
    @described(answers={200: Listed[OverlayView]}, errors=(409,))
    async def list_overlays(id: str) -> Response:
        """The session's unsaved texts, by path."""
        session = await host.kernel.session(id)
        return answer(Listed([_view(overlay) for overlay in session.overlays.all()]))

    @routes.get("/<path:path>")
    @described(path=PATH, answers={200: OverlayText}, sends=TAG, errors=(409,))
    async def show_overlay(id: str, path: str) -> Response:
        """One unsaved text, as tools see it now."""
        session = await host.kernel.session(id)
        overlay = _known(session, path, await _place(host, session, path))
        view = _view(overlay)
        text = OverlayText(**msgspec.structs.asdict(view), text=overlay.text)
        return answer(text, headers=_tag(overlay))

    @routes.put("/<path:path>")
    @described(
        path=PATH,
        body=NewOverlay,
        headers={"if-match": "The hash that the text must have now; `*`: there must be one."},
        answers={200: OverlayView, 201: OverlayView},
        sends=TAG,
        errors=(409, 410, 412, 428, 429),
        example={"text": "print('not saved yet')\n", "version": 7},
    )
    async def put_overlay(id: str, path: str) -> Response:
        """An editor's unsaved text: from now on reads and searches of this session see it instead of the disk.

        What a tool writes to the file does not reach the disk: it comes back as the event `file.edit_wanted`. 428: a
        tool changed the text since it was sent; whoever sends another one must name the one with the change, to show
        that he knows of it. It counts until it is deleted, or the session or the server ends; the log has its first
        hash, no text.
        """
        wanted = await read(NewOverlay)
        session = await host.kernel.session(id)
        overlay = Overlay.of(await _place(host, session, path), wanted.text, wanted.version)
        before = session.overlays.get(overlay.path)
        _check(before, overlay)
        with _telling():
            await session.overlays.put(overlay)
        return answer(_view(overlay), 200 if before else 201, _tag(overlay))

    @routes.delete("/<path:path>")
    @described(
        path=PATH,
        headers={"if-match": "The hash that the text must have now."},
        answers={204: None},
        errors=(409, 410, 412, 428),
    )
    async def delete_overlay(id: str, path: str) -> Response:
        """The editor saved the text, or closed it: the disk counts again.

        428: a tool changed the text since it was sent. Whoever lets go of it must name the one with the change.
        """
        session = await host.kernel.session(id)
        overlay = _known(session, path, await _place(host, session, path))
        _check(overlay)
        await session.overlays.drop(overlay.path)
        return nothing()

    return routes


async def _place(host: Host, session: Session, path: str) -> str:
    """Raises Refused 422 for what can be no unsaved text of the workspace."""
    with _telling():
        return await text_place(host.kernel.catalog.workspace(session.info.workspace), path)


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except ToolError as error:
        raise Refused(422, str(error), code=error.code, errors=[FieldError("path", str(error))]) from None


def _known(session: Session, path: str, place: str) -> Overlay:
    overlay = session.overlays.get(place)
    if overlay is None:
        raise NotFound(f"No text of {path} is unsaved.")
    return overlay


def _check(now: Overlay | None, new: Overlay | None = None) -> None:
    """Raises Stale, or Refused 428 where what a tool changed would be lost unseen."""
    unseen = now is not None and now.edited and (new is None or new.hash != now.hash)
    required = "A tool has changed this text since you sent it." if unseen else ""
    conditions.check(now.hash if now else None, required=required)


def _tag(overlay: Overlay) -> dict[str, str]:
    return {"etag": f'"{overlay.hash}"'}


def _view(overlay: Overlay) -> OverlayView:
    return OverlayView(overlay.path, overlay.version, overlay.hash, overlay.size, overlay.edited)
